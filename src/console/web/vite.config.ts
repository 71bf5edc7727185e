/** How the page is built: one entry, nothing inlined (the content security policy forbids it), no source maps. */
import { defineConfig } from "vite";

export default defineConfig({
  root: "src/console/web",
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../../dist/src/console/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
});
