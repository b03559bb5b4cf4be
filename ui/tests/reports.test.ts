// The Reports screen as hands use it, against the stand-in for the Tauri side.
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import audit from '../dev/fake-audit.js?raw';
import reports from '../dev/fake-reports.js?raw';
import { calls, cleared, opened, page, soon, stage } from './stage';

const queries = () => calls('report_open').map((c) => c['query'] as Record<string, unknown>);

/** A busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });
const keys = (text: string) => userEvent.setup({ delay: 5 }).keyboard(text);
const rows = () => [...document.querySelectorAll('main [role=grid] [role=row][aria-selected]')];

async function open(wish: object = {}) {
  await opened([audit, reports], wish);
  await keys('{Control>}3{/Control}');
  await soon(() => expect(rows().length).toBeGreaterThan(0));
}

cleared();

describe('Reports', () => {
  it('shows totals and only the rows in sight of very many', async () => {
    await open({ reportRows: 200_000 });
    expect(page()).toContain('200,000 rows');
    expect(rows().length).toBeLessThan(80);
    await soon(() => expect(document.activeElement?.getAttribute('role')).toBe('grid'));
    await keys('{End}');
    await soon(() =>
      expect(calls('report_rows').some((c) => Number(c['end']) >= 199_990)).toBe(true),
    );
    for (const asked of calls('report_rows'))
      expect(Number(asked['end']) - Number(asked['start'])).toBeLessThan(200);
  });
  it('asks for typed days, and not for what is none', async () => {
    await open();
    const before = queries().length;
    await keys('{Alt>}d{/Alt}2026/3/1{Tab}x{Enter}');
    await soon(() => expect(page()).toContain('The last day is not a date.'));
    await keys('{Control>}a{/Control}2026年3月15日 12:30{Enter}');
    await soon(() =>
      expect(queries().at(-1)).toMatchObject({ from: '2026-03-01', to: '2026-03-15 12:30:59' }),
    );
    expect(
      queries()
        .slice(before)
        .every((q) => q['to'] !== 'x'),
    ).toBe(true);
  });
  it('sorts by a column, the greatest first, and back', async () => {
    await open();
    const head = () =>
      [...document.querySelectorAll<HTMLElement>('[role=columnheader] button')].find((b) =>
        b.textContent?.startsWith('Out'),
      );
    head()?.click();
    await soon(() => expect(queries().at(-1)).toMatchObject({ sort: 'out', descending: true }));
    head()?.click();
    await soon(() => expect(queries().at(-1)).toMatchObject({ sort: 'out', descending: false }));
  });
  it('goes behind a figure and back to where one was', async () => {
    await open();
    await soon(() => expect(document.activeElement?.getAttribute('role')).toBe('grid'));
    await keys('{ArrowDown}{ArrowDown}{Enter}');
    await soon(() => expect(page()).toContain('OUT-1-0'));
    expect(calls('report_entries')[0]).toMatchObject({ group: ['rice-5', 'WH-GZ'], after: null });
    await keys('{Escape}');
    await soon(() => expect(page()).not.toContain('OUT-1-0'));
    const here = () => rows().findIndex((r) => r.getAttribute('aria-selected') === 'true');
    await soon(() => expect(here()).toBe(2));
  });
  it('keeps a report under a name', async () => {
    await open();
    await keys('{Control>}s{/Control}');
    await soon(() => expect(document.querySelector('dialog input')).not.toBeNull());
    document.querySelector<HTMLInputElement>('dialog input')?.focus();
    await keys('月报{Enter}');
    await soon(() => {
      const kept = calls('preferences_set').at(-1)?.['preferences'] as { screen: object };
      expect(JSON.stringify(kept?.screen)).toContain('月报');
    });
  });
});

describe('The open report', () => {
  /** `posted` entries of goods that nobody had before, and so many counted in all. */
  function post(posted: number, counted: number) {
    const wish = stage.__wish as Record<string, unknown>;
    wish['posted'] = posted;
    wish['sources'] = [{ source: 's.0', next_offset: counted }];
    (stage as unknown as { __tell: () => void }).__tell();
  }
  const chosen = () => rows().find((r) => r.getAttribute('aria-selected') === 'true');
  const made = () => document.getElementById('report-made')?.textContent ?? '';
  const settled = (ms = 2500) => new Promise((done) => setTimeout(done, ms));

  it('follows what is posted, and the cursor, the scroll and the keys stay where they are', async () => {
    await open({ reportRows: 900 });
    await soon(() => expect(document.activeElement?.getAttribute('role')).toBe('grid'));
    await keys('{ArrowDown}{ArrowDown}{ArrowDown}');
    const before = chosen()?.textContent;
    const grid = document.querySelector<HTMLElement>('main [role=grid]');
    const [top, asked] = [grid?.scrollTop ?? 0, queries().length];
    expect(made()).toMatch(/^Updated \d\d:\d\d:\d\d$/);
    post(2, 10);
    await soon(() => expect(page()).toContain('902 rows'));
    expect(queries().length).toBe(asked + 1);
    await soon(() => expect(chosen()?.textContent).toBe(before));
    expect(chosen()?.getAttribute('aria-rowindex')).toBe('7');
    await soon(() => expect(grid?.scrollTop).toBe(top + 60));
    expect(document.activeElement).toBe(grid);
    expect(document.querySelector('main .late')).toBeNull();
  });
  it('is not made again for what its period cannot hold', async () => {
    await open();
    const [asked, versions] = [queries().length, calls('report_version').length];
    post(0, 20);
    await soon(() => expect(calls('report_version').length).toBeGreaterThan(versions));
    await settled(300);
    expect(queries().length).toBe(asked);
  });
  it('waits for hands that type or choose', async () => {
    await open();
    await keys('{Alt>}d{/Alt}2026-01');
    const asked = queries().length;
    post(1, 30);
    await settled();
    expect(queries().length).toBe(asked);
    expect((document.activeElement as HTMLInputElement).value).toBe('2026-01');
    await keys('{Escape}');
    await soon(() => expect(queries().length).toBe(asked + 1));
    const menu = [...document.querySelectorAll<HTMLElement>('main header button')].find((b) =>
      b.textContent?.includes('Export'),
    );
    menu?.click();
    await soon(() => expect(document.querySelector('[role=menuitem]')).not.toBeNull());
    post(2, 31);
    await settled();
    expect(queries().length).toBe(asked + 1);
    expect(document.querySelector('[role=menuitem]')).not.toBeNull();
    await keys('{Escape}');
    await soon(() => expect(queries().length).toBe(asked + 2));
    await keys('{Control>}s{/Control}');
    await soon(() => expect(document.querySelector('dialog[open]')).not.toBeNull());
    post(3, 32);
    await settled();
    expect(queries().length).toBe(asked + 2);
  });
  it('takes no keys from hands that type while it comes', async () => {
    await open({ reportPause: 500 });
    await soon(() => expect(document.activeElement?.getAttribute('role')).toBe('grid'));
    const asked = queries().length;
    document.querySelector<HTMLElement>('main header button[title*="F9"]')?.click();
    await keys('{Alt>}d{/Alt}2026-01-02');
    await soon(() => expect(queries().length).toBe(asked + 1));
    await settled(1200);
    const field = document.activeElement as HTMLInputElement;
    expect([field.tagName, field.value]).toEqual(['INPUT', '2026-01-02']);
    await keys('{Enter}');
    await soon(() => expect(document.activeElement?.getAttribute('role')).toBe('grid'));
  });
  it('is made at most every two seconds, and once more for the last entry', async () => {
    await open();
    await settled();
    const [asked, begun] = [queries().length, Date.now()];
    for (let n = 1; n <= 40; n += 1) {
      post(n, 100 + n);
      await settled(30);
    }
    await soon(() => expect(page()).toContain('1,640 rows'));
    const most = 1 + Math.ceil((Date.now() - begun) / 2000);
    expect(queries().length - asked).toBeLessThanOrEqual(most);
  });
});
