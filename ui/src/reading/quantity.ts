// Reads the numbers that people type, and writes numbers for the screen. Typed numbers are whole;
// full-width digits and thousands separators are allowed. Never a float: anything else is refused, not
// rounded.

export const MAX_QUANTITY = 2147483647;

export type QuantityProblem = 'empty' | 'not_whole' | 'not_positive' | 'too_large';
export type Quantity = { ok: true; value: number } | { ok: false; problem: QuantityProblem };

/** Full-width characters to ASCII; blanks stay. */
export function ascii(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/\u3002/g, '.');
}

/** A whole number from 0 up, as typed. */
export function parseCount(text: string): Quantity {
  const t = ascii(text).replace(/\s/g, '');
  if (t === '') return { ok: false, problem: 'empty' };
  const plain = /^\+?\d+$/.test(t);
  const grouped = /^\+?\d{1,3}(,\d{3})+$/.test(t);
  if (!plain && !grouped) {
    return { ok: false, problem: /^-\d/.test(t) ? 'not_positive' : 'not_whole' };
  }
  const digits = t.replace(/[+,]/g, '').replace(/^0+(?=\d)/, '');
  if (digits.length > 10 || Number(digits) > MAX_QUANTITY)
    return { ok: false, problem: 'too_large' };
  return { ok: true, value: Number(digits) };
}

/** A quantity of a bill, as typed: 1 or more. */
export function parseQuantity(text: string): Quantity {
  const count = parseCount(text);
  return count.ok && count.value === 0 ? { ok: false, problem: 'not_positive' } : count;
}

const grouping = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1234567 → 1,234,567; a real minus sign for negatives. */
export function formatCount(n: number): string {
  return grouping.format(n).replace('-', '−');
}

/** With its sign, for movements: +5, −3. */
export function formatSigned(n: number): string {
  return n > 0 ? `+${formatCount(n)}` : formatCount(n);
}

/** A count of hundredths, not negative: 123456 → 1,234.56. */
export function formatHundredths(n: number): string {
  return `${formatCount(Math.floor(n / 100))}.${String(n % 100).padStart(2, '0')}`;
}
