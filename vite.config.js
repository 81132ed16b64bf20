// Builds the front end into static/dist with hashed names and a manifest for django-vite.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// vtk.js puts away an image that was hung and never drawn as if it had a texture, and throws: a picture that is replaced
// before its first frame. Fails where the sentence is not there any more, so that nobody carries this on for nothing.
const neverDrawn = {
  name: "never-drawn",
  transform(code, id) {
    if (!id.endsWith("vtk.js/Rendering/OpenGL/ImageMapper.js")) return null;
    const before = "model.openGLTexture.releaseGraphicsResources(renderWindow)";
    if (!code.includes(before)) throw new Error(`expected in ${id}: ${before}`);
    return { code: code.replace(before, before.replace(".release", "?.release")), map: null };
  },
};

export default defineConfig({
  base: "/static/dist/",
  publicDir: false,
  plugins: [neverDrawn],
  resolve: {
    // The DICOM loader's dependencies ask for two of Node's own modules; the npm packages of the same name stand in.
    // And half a megabyte that only vtk.js's readers of XML would use is left out.
    alias: { events: "events/", url: "url/", xmlbuilder2: fileURLToPath(new URL("static/js/viewer/noxml.js", import.meta.url)) },
  },
  // Codec glue code reads import.meta.url, which dependency pre-bundling would break.
  optimizeDeps: { exclude: ["@cornerstonejs/dicom-image-loader"], include: ["dicom-parser"] },
  worker: { format: "es" },
  build: {
    outDir: "static/dist",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 6000,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        app: "static/js/app.js",
        keys: "static/js/keys.js",
        reading: "static/js/reading.js",
        theme: "static/js/theme.js",
      },
    },
  },
});
