// The Reports screen as hands use it, against the stand-in for the Tauri side.
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import audit from '../dev/fake-audit.js?raw';
import reports from '../dev/fake-reports.js?raw';
import { calls, cleared, opened, page, soon } from './stage';

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
    await soon(() => expect(page()).toContain('The last day is no date.'));
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
