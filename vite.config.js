// Builds the front end into static/dist with hashed names and a manifest for django-vite.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/static/dist/",
  publicDir: false,
  resolve: {
    // The DICOM loader's dependencies ask for two of Node's own modules; the npm packages of the same name stand in.
    alias: { events: "events/", url: "url/" },
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
