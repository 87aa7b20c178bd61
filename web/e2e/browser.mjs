// Debian's Chromium as the tests want it: nothing on the line but the page, a fresh profile each time.

import { chromium } from 'playwright-core';

export function openBrowser() {
    return chromium.launch({
        executablePath: process.env.GEMEL_CHROMIUM ?? '/usr/bin/chromium',
        args: [
            '--headless=new',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });
}
