import { describe, expect, it } from 'vitest';
import { defaultScan, Scanner, type ScanKey, type ScanVerdict } from './scanner';

function key(key: string, time: number, extra: Partial<ScanKey> = {}): ScanKey {
  const code = /^\d$/.test(key)
    ? `Digit${key}`
    : /^[a-z]$/i.test(key)
      ? `Key${key.toUpperCase()}`
      : key;
  return { key, code, shift: false, modified: false, time, ...extra };
}

function type(s: Scanner, text: string, from: number, gap: number, end = 'Enter'): ScanVerdict[] {
  const out = [...text].map((c, i) => s.feed(key(c, from + i * gap)));
  return [...out, s.feed(key(end, from + text.length * gap))];
}

const scans = (v: ScanVerdict[]) => v.flatMap((x) => (x.kind === 'scan' ? [x.text] : []));

describe('scanner', () => {
  it('takes a burst that Enter or Tab ends', () => {
    expect(scans(type(new Scanner(), '6901234567892', 1000, 8))).toEqual(['6901234567892']);
    expect(scans(type(new Scanner(), '12345', 1000, 50, 'Tab'))).toEqual(['12345']);
  });
  it('leaves a typing hand alone', () => {
    expect(scans(type(new Scanner(), '6901234567892', 1000, 51))).toEqual([]);
    expect(scans(type(new Scanner(), '1234', 1000, 5))).toEqual([]);
  });
  it('goes by event time alone: a slow typist never scans, however late the page is', () => {
    const s = new Scanner();
    const slow = type(s, '123456', 0, 120);
    expect(scans(slow)).toEqual([]);
  });
  it('counts ten scans in a second as ten', () => {
    const s = new Scanner();
    const all: ScanVerdict[] = [];
    for (let i = 0; i < 10; i += 1) all.push(...type(s, '6901234567892', i * 100, 7));
    expect(scans(all)).toHaveLength(10);
  });
  it('drops what was typed before a pause', () => {
    const s = new Scanner();
    s.feed(key('9', 0));
    expect(scans(type(s, '12345', 400, 10))).toEqual(['12345']);
  });
  it('reads the key code when an IME swallows the letter', () => {
    const s = new Scanner();
    const swallowed = [...'AB123'].map((c, i) =>
      s.feed(
        key('Process', i * 10, {
          code: /\d/.test(c) ? `Digit${c}` : `Key${c}`,
          shift: /[A-Z]/.test(c),
        }),
      ),
    );
    expect(swallowed.map((v) => v.kind)).toEqual(['start', 'more', 'more', 'more', 'more']);
    expect(s.feed(key('Process', 50, { code: 'Enter' }))).toEqual({ kind: 'scan', text: 'AB123' });
  });
  it('lets Shift pass in the middle, and shortcuts break it', () => {
    const s = new Scanner();
    'WH-0'.split('').forEach((c, i) => {
      s.feed(key('Shift', i * 10 - 2, { code: 'ShiftLeft' }));
      s.feed(key(c, i * 10));
    });
    s.feed(key('1', 40));
    expect(s.feed(key('Enter', 50))).toEqual({ kind: 'scan', text: 'WH-01' });
    s.feed(key('1', 60));
    s.feed(key('z', 70, { modified: true }));
    expect(s.feed(key('Enter', 80)).kind).toBe('none');
  });
  it('accepts short codes between a prefix and a suffix', () => {
    const s = new Scanner({ ...defaultScan, prefix: '~', suffix: '$' });
    const got = [...'~A1$'].map((c, i) => s.feed(key(c, i * 10)));
    expect(scans(got)).toEqual(['A1']);
  });
});
