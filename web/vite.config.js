import { defineConfig } from 'vite';

// The page needs nothing from anywhere but the server it came from. The policy is put in at build time only:
// the development server injects styles inline.
const policy =
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; " +
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'none'";

const contentSecurityPolicy = {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
        {
            tag: 'meta',
            attrs: { 'http-equiv': 'Content-Security-Policy', content: policy },
            injectTo: 'head-prepend',
        },
    ],
};

const server = process.env.GEMEL_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
    base: './', // the page may be served below a path of a larger site
    plugins: [contentSecurityPolicy],
    build: {
        target: 'es2022',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        emptyOutDir: true, // also when CMake names a folder outside web/
    },
    server: {
        host: '127.0.0.1',
        proxy: { '/api': { target: server, ws: true } },
    },
});
