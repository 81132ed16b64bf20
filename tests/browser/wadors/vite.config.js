// Builds load.js for its test, under the address where the test serves it; the front end's own settings otherwise.
import { defineConfig } from "vite";
import shared from "../../../vite.config.js";

const rollupOptions = { input: { load: "tests/browser/wadors/load.js" }, output: { entryFileNames: "load.js" } };

export default defineConfig({ ...shared, base: "/wadors/", build: { ...shared.build, manifest: false, rollupOptions } });
