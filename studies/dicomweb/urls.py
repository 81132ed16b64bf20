"""Addresses of DICOMweb, with and without a slash at the end, of all of a person's sites or of one."""

from django.urls import re_path

from studies.dicomweb.views import retrieving, searching

SITE = r"^(?:sites/(?P<site_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/)?"
STUDY = SITE + r"studies/(?P<study>[0-9.]{1,64})"
SERIES = STUDY + r"/series/(?P<series>[0-9.]{1,64})"
INSTANCE = SERIES + r"/instances/(?P<instance>[0-9.]{1,64})"
FRAMES = INSTANCE + r"/frames/(?P<frames>[^/]{1,200})"
END = r"/?$"

urlpatterns = [
    # --- Search and store ---
    re_path(SITE + "studies" + END, searching.Studies.as_view(), name="dicomweb_studies"),
    re_path(SITE + "series" + END, searching.Series.as_view(), name="dicomweb_all_series"),
    re_path(SITE + "instances" + END, searching.Instances.as_view(), name="dicomweb_all_instances"),
    re_path(STUDY + "/series" + END, searching.Series.as_view(), name="dicomweb_study_series"),
    re_path(STUDY + "/instances" + END, searching.Instances.as_view(), name="dicomweb_study_instances"),
    re_path(SERIES + "/instances" + END, searching.Instances.as_view(), name="dicomweb_series_instances"),
    # --- Retrieve ---
    re_path(STUDY + END, retrieving.Study.as_view(), name="dicomweb_study"),
    re_path(SERIES + END, retrieving.Files.as_view(), name="dicomweb_series"),
    re_path(INSTANCE + END, retrieving.Files.as_view(), name="dicomweb_instance"),
    re_path(STUDY + "/metadata" + END, retrieving.Metadata.as_view(), name="dicomweb_study_metadata"),
    re_path(SERIES + "/metadata" + END, retrieving.Metadata.as_view(), name="dicomweb_series_metadata"),
    re_path(INSTANCE + "/metadata" + END, retrieving.Metadata.as_view(), name="dicomweb_instance_metadata"),
    re_path(FRAMES + END, retrieving.Frames.as_view(), name="dicomweb_frames"),
    re_path(INSTANCE + "/bulkdata/7FE00010" + END, retrieving.Bulk.as_view(), name="dicomweb_bulk_data"),
    # --- Pictures ---
    re_path(STUDY + "/rendered" + END, retrieving.Rendered.as_view(), name="dicomweb_study_rendered"),
    re_path(SERIES + "/rendered" + END, retrieving.Rendered.as_view(), name="dicomweb_series_rendered"),
    re_path(INSTANCE + "/rendered" + END, retrieving.Rendered.as_view(), name="dicomweb_instance_rendered"),
    re_path(FRAMES + "/rendered" + END, retrieving.Rendered.as_view(), name="dicomweb_frames_rendered"),
    re_path(STUDY + "/thumbnail" + END, retrieving.Thumbnail.as_view(), name="dicomweb_study_thumbnail"),
    re_path(SERIES + "/thumbnail" + END, retrieving.Thumbnail.as_view(), name="dicomweb_series_thumbnail"),
    re_path(INSTANCE + "/thumbnail" + END, retrieving.Thumbnail.as_view(), name="dicomweb_instance_thumbnail"),
    re_path(FRAMES + "/thumbnail" + END, retrieving.Thumbnail.as_view(), name="dicomweb_frames_thumbnail"),
]
