// The Audit screen as hands use it, against the stand-in for the Tauri side.
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import audit from '../dev/fake-audit.js?raw';
import { calls, cleared, opened, page, soon } from './stage';

/** A busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

async function open(wish: object = {}) {
  await opened([audit], wish);
  await keys('{Control>}4{/Control}');
  await soon(() => expect(calls('audit_overview').length).toBeGreaterThan(0));
}

async function keys(text: string) {
  await userEvent.setup({ delay: 5 }).keyboard(text);
}

/** Keys that user-event has no name for. */
async function press(code: string, shiftKey = false) {
  const target = document.activeElement ?? document.body;
  target.dispatchEvent(
    new KeyboardEvent('keydown', { code, key: code, shiftKey, bubbles: true, cancelable: true }),
  );
  await Promise.resolve();
}

/** Agrees in the open dialog, by its last button. */
function agree(word: string) {
  const button = [...document.querySelectorAll<HTMLElement>('dialog button')].at(-1);
  expect(button?.textContent).toContain(word);
  button?.click();
}

const grid = () => document.querySelector<HTMLElement>('main [role=grid]');
async function onGrid() {
  await soon(() => expect(grid()).not.toBeNull());
  grid()?.focus();
}

cleared();

describe('Audit', () => {
  it('leads with what agrees, where and how fast; then plain counts', async () => {
    await open();
    const lead =
      '48,169 of 48,210 balances agree, at offsets 8f3a01c2.0:1,204,118, 8f3a01c2.1:1,212,037, 8f3a01c2.2:1,219,956 +9, in 1.2 s';
    await soon(() => expect(page()).toContain(lead));
    for (const count of ['In flight 4', 'Foreign values 3', 'Restored 2'])
      expect(page().replace(/\s+/g, ' ')).toContain(count);
    expect(page()).toContain('Deviations: 37');
    expect(page()).toContain('NRS缺失 · NRS missing');
  });
  it('audits by key, shows progress and ends with the result of that run', async () => {
    await open({ audit: 'clean' });
    await press('F9', true);
    await soon(() => expect(document.querySelector('[role=progressbar]')).not.toBeNull());
    await soon(() => expect(page()).toContain('per second'));
    await soon(() => expect(page()).toContain('Full audit · '));
    expect(calls('audit_start')).toEqual([
      expect.objectContaining({ full: true, correct_storm: false }),
    ]);
    expect(page()).toContain('Nothing deviates');
  });
  it('cancels by Esc', async () => {
    await open({ audit: 'clean' });
    await press('F9');
    await soon(() => expect(document.querySelector('[role=progressbar]')).not.toBeNull());
    await keys('{Escape}');
    expect(calls('audit_cancel')).toHaveLength(1);
    await soon(() => expect(document.querySelector('[role=progressbar]')).toBeNull());
  });
  it('opens the stock card by Enter, marks a line, and replays its balance after agreement', async () => {
    await open();
    await onGrid();
    await keys('{ArrowDown}{Alt>}m{/Alt}');
    await soon(() => expect(calls('audit_review')).toEqual([{ id: 99999, reviewed: true }]));
    await keys('{Enter}');
    const key = { warehouse_id: 'WH-BJ', product_id: 'tissue' };
    await soon(() => expect(calls('stock_card')[0]).toMatchObject(key));
    await keys('{Escape}');
    await soon(() => expect(document.activeElement).toBe(grid()));
    await keys('{Alt>}p{/Alt}{Alt>}v{/Alt}');
    await soon(() => expect(page()).toContain('Findings: 9'));
    const looked = { keys: [key], from: null, to: null, apply: false };
    expect(calls('replay_start')).toEqual([expect.objectContaining({ query: looked })]);
    await keys('{Control>}{Enter}{/Control}');
    await soon(() =>
      expect(document.querySelector('dialog')?.textContent).toContain(
        'Corrections in the stock: 3, in the ledger: 6; balances concerned: 1.',
      ),
    );
    expect(calls('replay_start')).toHaveLength(1);
    agree('Apply');
    await soon(() => expect(page()).toContain('Corrected: 9'));
    expect(calls('replay_start')[1]).toMatchObject({ query: { ...looked, apply: true } });
  });
  it('asks about a storm with its numbers and corrects it only then', async () => {
    await open({ audit: 'storm' });
    const title = '4,800 of 48,210 balances deviate: nothing was corrected';
    await soon(() => expect(page()).toContain(title));
    const button = [...document.querySelectorAll('main button')].find((b) =>
      b.textContent?.includes('Correct anyway'),
    ) as HTMLElement;
    button.focus();
    await keys('{Enter}');
    await soon(() => expect(document.querySelector('dialog')).not.toBeNull());
    expect(document.querySelector('dialog')?.textContent).toContain('Correct 4,800 balances?');
    expect(calls('audit_start')).toHaveLength(0);
    agree('Correct anyway');
    await soon(() => expect(calls('audit_start')).toHaveLength(1));
    expect(calls('audit_start')[0]).toMatchObject({ full: false, correct_storm: true });
  });
  it('searches the whole log, opens a run, and exports what is on screen', async () => {
    await open();
    await keys('{Alt>}3{/Alt}');
    await soon(() => expect(page()).toContain('inv-daemon on stock-01'));
    await keys('{Control>}f{/Control}apple');
    const subject = () => calls('audit_lines').at(-1)?.['search'];
    await soon(() => expect(subject()).toMatchObject({ subject: 'apple', audit_id: null }));
    await keys('{Control>}e{/Control}');
    await soon(() =>
      expect(calls('audit_export')[0]).toMatchObject({
        search: { subject: 'apple' },
        form: 'csv',
        language: 'en',
      }),
    );
    await keys('{Escape}{Escape}');
    await soon(() => expect(grid()?.getAttribute('aria-label')).toBe('Audits'));
    await onGrid();
    await keys('{ArrowDown}{ArrowDown}{Enter}');
    await soon(() => expect(page()).toContain('Back to all audits'));
    expect(subject()).toMatchObject({ subject: '', audit_id: 239 });
  });
  it('says in Chinese what it says in English', async () => {
    await open({ language: 'zh-CN' });
    await soon(() => expect(page()).toContain('48,210 项库存中 48,169 项一致'));
    for (const word of [
      '立即审计',
      '全面审计',
      '回放',
      '历史',
      '在途',
      'NRS缺失',
      '库存被人工改动',
    ])
      expect(page()).toContain(word);
    expect(page()).not.toContain('NRS missing');
  });
  it('says what an empty site should do', async () => {
    await open({ empty: true });
    await soon(() => expect(page()).toContain('Not audited yet'));
    expect(page()).toContain('Not checked yet · next check is due · every 1 h');
  });
});
