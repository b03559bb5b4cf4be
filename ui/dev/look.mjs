// Pictures of every screen from the built UI, in both sizes, lights and languages: `npm run look`.
// They are for eyes; they land in ui/shots, which is not kept.
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './server.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const shots = here('../shots');
mkdirSync(shots, { recursive: true });
const door = ['fake-audit.js', 'fake-reports.js', 'fake-door.js']
  .map((name) => readFileSync(here(name), 'utf8'))
  .join('\n');
const only = process.argv[2];

const type = async (page, text) => page.keyboard.type(text, { delay: 70 });
const enterLine = async (page, product, quantity, description = '') => {
  await type(page, product);
  await page.waitForTimeout(60);
  await page.keyboard.press('Enter');
  await type(page, quantity);
  await page.keyboard.press('Enter');
  await type(page, description);
  await page.keyboard.press('Enter');
};
const go = (page, n) => page.keyboard.press(`Control+${n}`);

const scenes = {
  bills: async (page) => {
    await page.keyboard.press('F6');
    await page.locator('[data-cell="1.product"]').focus();
    await enterLine(page, 'apple', '1200', 'Pallet 7, dock B');
    await enterLine(page, 'rice-5', '4');
    await enterLine(page, 'tea-long', '12', '礼盒装');
    await type(page, 'soy');
    await page.waitForTimeout(700);
  },
  posted: async (page) => {
    await page.locator('[data-cell="1.product"]').focus();
    await enterLine(page, 'apple', '30');
    await page.keyboard.press('Control+Enter');
    await page.waitForTimeout(900);
  },
  refused: async (page) => {
    await page.locator('[data-cell="1.product"]').focus();
    await enterLine(page, 'nosuch', 'x1');
    await enterLine(page, 'apple', '');
    await page.keyboard.press('Control+Enter');
    await page.waitForTimeout(300);
  },
  bill: async (page) => {
    await page.getByRole('button', { name: /IN-20261123-0044/ }).click();
    await page.waitForTimeout(300);
  },
  rejected: async (page) => {
    await page.getByRole('radio', { name: /Rejected|已拒绝/ }).click();
    await page.locator('.entry').first().click();
    await page.waitForTimeout(200);
  },
  create: async (page) => {
    await page.locator('[data-cell="1.product"]').focus();
    await type(page, 'plum');
    await page.keyboard.press('Alt+C');
    await page.waitForTimeout(200);
  },
  importing: async (page) => {
    await page.locator('[data-cell="1.product"]').focus();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/plain', 'apple\t12\nnosuch\t5\npear\tten\t\nsoy-500\t1');
      document.activeElement.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    });
    await page.waitForTimeout(300);
  },
  discard: async (page) => {
    await page.locator('[data-cell="1.product"]').focus();
    await enterLine(page, 'apple', '30');
    await page.keyboard.press('Escape');
    await page.waitForTimeout(200);
  },
  palette: async (page) => {
    await page.keyboard.press('Control+K');
    await page.waitForTimeout(200);
  },
  stock: async (page) => {
    await go(page, 2);
    await page.waitForTimeout(400);
    await page.evaluate(() =>
      window.__patch(
        [
          [2, 40],
          [5, -12],
          [7, 3],
        ],
        { pending: 12 },
      ),
    );
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.waitForTimeout(150);
  },
  card: async (page) => {
    await go(page, 2);
    await page.waitForTimeout(300);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(400);
  },
  filter: async (page) => {
    await go(page, 2);
    await page.waitForTimeout(300);
    await page.locator('.filters .wrap button').first().click();
    await page.getByRole('checkbox').nth(1).check();
    await page.waitForTimeout(200);
  },
  audit: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    await page.keyboard.press('ArrowDown');
  },
  auditing: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(200);
    await page.keyboard.press('Shift+F9');
    await page.waitForTimeout(1100);
  },
  concerned: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    for (let i = 0; i < 4; i += 1) await page.keyboard.press('ArrowDown');
    await page.waitForTimeout(200);
  },
  auditcard: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(300);
  },
  history: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(200);
    await page.keyboard.press('Alt+3');
    await page.waitForTimeout(300);
  },
  historyrun: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(200);
    await page.keyboard.press('Alt+3');
    await page.waitForTimeout(200);
    await page.getByRole('grid').focus();
    for (let i = 0; i < 5; i += 1) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForTimeout(300);
  },
  searchlog: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(200);
    await page.keyboard.press('Alt+3');
    await page.waitForTimeout(200);
    await page.keyboard.press('/');
    await type(page, 'apple');
    await page.waitForTimeout(500);
  },
  replay: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    await page.keyboard.press('Alt+P');
    await page.keyboard.press('Alt+V');
    await page.waitForTimeout(1800);
  },
  replayask: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    await page.keyboard.press('Alt+P');
    await page.keyboard.press('Alt+V');
    await page.waitForTimeout(1800);
    await page.keyboard.press('Control+Enter');
    await page.waitForTimeout(200);
  },
  replay0: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    await page.keyboard.press('Alt+2');
    await page.waitForTimeout(200);
  },
  reports: async (page) => {
    await go(page, 3);
    await page.waitForTimeout(400);
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowDown');
  },
  entries: async (page) => {
    await scenes.reports(page);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(400);
    await page.keyboard.press('ArrowDown');
  },
  entrycard: async (page) => {
    await scenes.entries(page);
    await page.keyboard.press('Alt+K');
    await page.waitForTimeout(400);
  },
  reportbill: async (page) => {
    await scenes.entries(page);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(400);
  },
  movers: async (page) => {
    await scenes.reports(page);
    await page.getByRole('radio', { name: /^(Turnover|周转)$/ }).click();
    await page.waitForTimeout(300);
  },
  alerts: async (page) => {
    await scenes.reports(page);
    await page.getByRole('radio', { name: /^(Alerts|提醒)$/ }).click();
    await page.waitForTimeout(300);
  },
  menu: async (page) => {
    await go(page, 4);
    await page.waitForTimeout(300);
    await page.getByRole('button', { name: /^(Export|导出)$/ }).click();
    await page.waitForTimeout(200);
  },
  catalog: async (page) => {
    await go(page, 6);
    await page.waitForTimeout(300);
  },
  settings: async (page) => {
    await go(page, 7);
    await page.waitForTimeout(300);
  },
  tested: async (page) => {
    await go(page, 7);
    await page.waitForTimeout(200);
    await page.getByRole('radio', { name: /Cluster|集群/ }).click();
    await page.getByRole('button', { name: /^(Test|测试)$/ }).click();
    await page.waitForTimeout(300);
    await page.locator('.page').evaluate((n) => n.scrollTo(0, n.scrollHeight));
  },
};

const wishes = [
  { name: 'light-en', wish: {}, size: [1920, 1080] },
  { name: 'dark-zh', wish: { theme: 'dark', language: 'zh-CN' }, size: [1024, 700] },
  {
    name: 'light-zh',
    wish: { language: 'zh-CN', cluster: true, waiting: 12, lag: 340, down: 'stock' },
    size: [1024, 700],
  },
  { name: 'dark-en', wish: { theme: 'dark' }, size: [1920, 1080] },
  { name: 'light-en-small', wish: {}, size: [1024, 700] },
  {
    name: 'empty-en',
    wish: { empty: true },
    size: [1024, 700],
    only: ['start', 'stock0', 'audit', 'history', 'catalog'],
  },
  {
    name: 'empty-zh-dark',
    wish: { empty: true, language: 'zh-CN', theme: 'dark' },
    size: [1920, 1080],
    only: ['start', 'stock0'],
  },
  { name: 'storm-en', wish: { audit: 'storm' }, size: [1024, 700], only: ['audit'] },
  {
    name: 'clean-zh-dark',
    wish: { audit: 'clean', language: 'zh-CN', theme: 'dark' },
    size: [1920, 1080],
    only: ['audit', 'auditing'],
  },
];
scenes.start = async (page) => page.waitForTimeout(200);
scenes.stock0 = async (page) => {
  await go(page, 2);
  await page.waitForTimeout(300);
};

const server = await serve(here('../dist'));
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
let bad = 0;
for (const { name, wish, size, only: some } of wishes) {
  for (const scene of some ?? Object.keys(scenes).filter((s) => s !== 'stock0' && s !== 'start')) {
    const file = `${name}.${scene}`;
    if (only && !file.includes(only)) continue;
    const page = await browser.newPage({ viewport: { width: size[0], height: size[1] } });
    const complain = (what) => {
      bad += 1;
      console.log(`${file}: ${what}`);
    };
    page.on('console', (m) => ['error', 'warning'].includes(m.type()) && complain(m.text()));
    page.on('pageerror', (e) => complain(e.message));
    // At one moment and without motion, so that two looks can be compared.
    await page.clock.setFixedTime(new Date('2026-11-25T10:00:00'));
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.addInitScript(`window.__wish=${JSON.stringify(wish)};`);
    await page.addInitScript(door);
    await page.goto(server.url);
    await page.waitForTimeout(350);
    try {
      await scenes[scene](page);
    } catch (error) {
      complain(String(error).split('\n')[0]);
    }
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    if (over) complain('scrolls sideways');
    await page.screenshot({ path: `${shots}/${file}.png` });
    await page.close();
  }
}
await browser.close();
server.stop();
console.log(bad ? `${bad} complaints` : 'no complaints');
