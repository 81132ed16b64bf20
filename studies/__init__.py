"""People's side of the platform: intake, worklist, reviews, labels and datasets."""
