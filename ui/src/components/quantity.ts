// Quantities as hands type them: whole numbers, full-width digits and separators allowed.
// Never a float: what is not a whole number is refused, not rounded.

export const MAX_QUANTITY = 2147483647;

export type QuantityProblem = 'empty' | 'not_whole' | 'not_positive' | 'too_large';
export type Quantity = { ok: true; value: number } | { ok: false; problem: QuantityProblem };

/** Full-width digits and signs to ASCII, blanks off. */
export function narrow(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/\u3002/g, '.')
    .replace(/\s/g, '');
}

export function parseQuantity(text: string): Quantity {
  const t = narrow(text);
  if (t === '') return { ok: false, problem: 'empty' };
  const plain = /^\+?\d+$/.test(t);
  const grouped = /^\+?\d{1,3}(,\d{3})+$/.test(t);
  if (!plain && !grouped) {
    return { ok: false, problem: /^-\d/.test(t) ? 'not_positive' : 'not_whole' };
  }
  const digits = t.replace(/[+,]/g, '').replace(/^0+(?=\d)/, '');
  if (digits.length > 10 || Number(digits) > MAX_QUANTITY)
    return { ok: false, problem: 'too_large' };
  const value = Number(digits);
  return value === 0 ? { ok: false, problem: 'not_positive' } : { ok: true, value };
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
