// The Bills screen as hands use it, against the stand-in for the Tauri side.
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import audit from '../dev/fake-audit.js?raw';
import { calls, cleared, mounted } from './stage';

const cell = (id: number, field: string) =>
  document.querySelector<HTMLInputElement>(`[data-cell="${id}.${field}"]`);

async function open(wish: object = {}) {
  await mounted([audit], wish);
  await vi.waitFor(() => expect(cell(1, 'product')).not.toBeNull());
  await vi.waitFor(() => expect(document.activeElement).not.toBe(document.body));
}

/** Types as a hand does: slower than a scanner by its event times. */
async function type(text: string) {
  const user = userEvent.setup({ delay: 60 });
  await user.keyboard(text);
}

function timed(key: string, at: number): KeyboardEvent {
  const code = key === 'Enter' ? 'Enter' : /\d/.test(key) ? `Digit${key}` : key;
  const event = new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true });
  Object.defineProperty(event, 'timeStamp', { value: at });
  return event;
}

function scan(code: string, from: number) {
  const fire = (key: string, at: number) =>
    (document.activeElement ?? document.body).dispatchEvent(timed(key, at));
  [...code].forEach((c, i) => fire(c, from + i * 5));
  fire('Enter', from + code.length * 5);
}

// What was typed last is saved into its own window, not into the next test's.
cleared(() => new Promise((done) => setTimeout(done, 200)));

describe('Bills', () => {
  it('posts a three-line bill by keyboard alone and is ready for the next', async () => {
    await open();
    await type('apple{Enter}12{Enter}first{Enter}');
    await type('pear{Enter}3{Enter}{Enter}');
    await type('rice-5{Enter}4{Enter}{Enter}');
    await type('{Control>}{Enter}{/Control}');
    await vi.waitFor(() => expect(calls('bill_post')).toHaveLength(1));
    const draft = calls('bill_post')[0]?.['draft'] as { lines: Record<string, string>[] };
    const lines = draft.lines.filter((l) => l['product_id']);
    expect(lines.map((l) => [l['product_id'], l['quantity'], l['description']])).toEqual([
      ['apple', '12', 'first'],
      ['pear', '3', ''],
      ['rice-5', '4', ''],
    ]);
    await vi.waitFor(() => {
      expect(cell(1, 'product')?.value).toBe('');
      expect(document.activeElement).toBe(cell(1, 'product'));
    });
    await vi.waitFor(() => expect(calls('bill_watch').length).toBeGreaterThan(0));
  }, 20000);

  it('saves what is typed at once, and undoes it', async () => {
    await open();
    await type('apple{Enter}12');
    await vi.waitFor(() => {
      const last = calls('draft_save').at(-1)?.['draft'] as { lines: Record<string, string>[] };
      expect(last.lines[0]).toMatchObject({ product_id: 'apple', quantity: '12' });
    });
    await type('{Control>}z{/Control}');
    expect(cell(1, 'quantity')?.value).toBe('');
    await type('{Control>}z{/Control}');
    expect(cell(1, 'product')?.value).toBe('');
  }, 20000);

  it('brings a draft back at start, and keeps it when the language changes', async () => {
    const line = { line_id: 1, product_id: 'apple', product_text: 'apple', description: '' };
    const draft = {
      draft_id: 'd',
      kind: 'out',
      bill_id: 'X-1',
      company_id: 'C-001',
      warehouse_id: 'WH-SH',
      create_time: '',
      lines: [{ ...line, quantity: '77' }],
      copied_from: null,
    };
    await open({ drafts: [{ draft, saved_at: '2026-11-23 10:00:00' }] });
    await vi.waitFor(() => expect(cell(1, 'quantity')?.value).toBe('77'));
    const { preferences } = await import('../src/shell/preferences.svelte');
    preferences.change({ language: 'zh-CN' });
    await vi.waitFor(() => expect(document.body.textContent).toContain('实时库存'));
    expect(cell(1, 'quantity')?.value).toBe('77');
    expect(cell(1, 'product')?.getAttribute('aria-label')).toBe('产品');
  }, 20000);

  it('counts ten scans in a second as ten, wherever the focus is', async () => {
    await open();
    document.querySelector<HTMLInputElement>('input[type="search"]')?.focus();
    for (let i = 0; i < 10; i += 1) scan('6901028075831', 100000 + i * 100);
    scan('6902083881412', 102000);
    await vi.waitFor(() => {
      const first = document.querySelector<HTMLInputElement>('[data-cell$=".quantity"]');
      expect(first?.value).toBe('10');
    });
    await vi.waitFor(() =>
      expect(
        [...document.querySelectorAll<HTMLInputElement>('[data-cell$=".product"]')].map(
          (i) => i.value,
        ),
      ).toEqual(['apple', 'pear', '']),
    );
  }, 20000);

  it('gives the field back that the scanner typed into', async () => {
    await open();
    await type('pear{Enter}3');
    const field = cell(1, 'product');
    field?.focus();
    await vi.waitFor(() => expect(field?.value).toBe('pear'));
    const fire = (text: string) => {
      if (!field) return;
      field.value = text;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    };
    [...'6901028075831'].forEach((c, i) => {
      field?.dispatchEvent(timed(c, 300000 + i * 5));
      fire('pear6901028075831'.slice(0, 5 + i));
    });
    field?.dispatchEvent(timed('Enter', 300070));
    await vi.waitFor(() => {
      const last = calls('draft_save').at(-1)?.['draft'] as { lines: Record<string, string>[] };
      expect(last.lines.map((l) => [l['product_id'], l['quantity']])).toEqual([
        ['pear', '3'],
        ['apple', '1'],
        ['', ''],
      ]);
    });
    expect(field?.value).toBe('pear');
  }, 20000);

  it('keeps an unknown code on screen, and a warehouse code switches the warehouse', async () => {
    await open();
    scan('0000000000', 100000);
    await vi.waitFor(() => expect(document.body.textContent).toContain('Unknown code 0000000000'));
    scan('WH-GZ', 200000);
    await vi.waitFor(() =>
      expect(document.querySelector<HTMLInputElement>('#head-warehouse_id')?.value).toContain(
        'Guangzhou',
      ),
    );
  }, 20000);

  it('asks before it discards', async () => {
    await open();
    await type('apple{Enter}5');
    await type('{Escape}');
    await vi.waitFor(() => expect(document.querySelector('dialog')).not.toBeNull());
    expect(calls('draft_delete')).toHaveLength(0);
    expect(cell(1, 'quantity')?.value).toBe('5');
  }, 20000);

  it('shows every problem with its field, and forgets each when it is mended', async () => {
    await open();
    const f8 = () => new KeyboardEvent('keydown', { key: 'F8', code: 'F8' });
    await type('nosuch{Tab}1.5{Enter}kept{Enter}');
    await type('{Control>}{Enter}{/Control}');
    const text = () => document.querySelector('[role=grid]')?.textContent ?? '';
    await vi.waitFor(() => expect(text()).toContain('Quantity: Type a whole number.'));
    expect(text()).toContain('Product: No product has this code.');
    expect(document.activeElement).toBe(cell(1, 'product'));
    window.dispatchEvent(f8());
    await vi.waitFor(() => expect(document.activeElement).toBe(cell(1, 'quantity')));
    await type('7');
    await vi.waitFor(() => expect(text()).not.toContain('Type a whole number'));
    expect(text()).toContain('No product has this code.');
    window.dispatchEvent(f8());
    await vi.waitFor(() => expect(document.activeElement).toBe(cell(1, 'product')));
    await type('apple{Enter}{Control>}{Enter}{/Control}');
    await vi.waitFor(() => expect(calls('bill_post')).toHaveLength(2));
    const draft = calls('bill_post')[1]?.['draft'] as { lines: Record<string, string>[] };
    expect(draft.lines[0]).toMatchObject({
      product_id: 'apple',
      quantity: '7',
      description: 'kept',
    });
  }, 20000);
});
