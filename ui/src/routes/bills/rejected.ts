// A rejected message as a form: its known fields when it is a JSON object, else its raw text.

export const entryFields = [
  'bill_id',
  'product_id',
  'warehouse_id',
  'company_id',
  'quantity',
  'drcr',
  'create_time',
  'description',
] as const;
export type EntryField = (typeof entryFields)[number];
export type EntryForm = Record<EntryField, string>;

/** The fields to correct; null when the payload is no JSON object. */
export function formOf(payload: string): EntryForm | null {
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const given = value as Record<string, unknown>;
    const text = (v: unknown) =>
      v === null || v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v);
    return Object.fromEntries(entryFields.map((f) => [f, text(given[f])])) as EntryForm;
  } catch {
    return null;
  }
}

/** The corrected ioentry as JSON text; whole numbers as numbers, the rest as typed, for Rust to judge. */
export function entryOf(form: EntryForm): string {
  const whole = (text: string) => (/^-?\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : text);
  const entry: Record<string, unknown> = { ...form };
  entry['quantity'] = whole(form.quantity);
  entry['drcr'] = whole(form.drcr);
  if (form.description === '') delete entry['description'];
  return JSON.stringify(entry);
}
