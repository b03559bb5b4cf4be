import { describe, expect, it } from 'vitest';
import { entryOf, formOf } from './rejected';

describe('a rejected entry', () => {
  it('opens as a form and closes as an ioentry', () => {
    const form = formOf('{"product_id":"apple","quantity":"10","drcr":1,"bill_id":null,"x":1}');
    expect(form).toMatchObject({ product_id: 'apple', quantity: '10', drcr: '1', bill_id: '' });
    if (!form) throw new Error('no form');
    const entry = JSON.parse(entryOf({ ...form, bill_id: 'B1' }));
    expect(entry).toMatchObject({ product_id: 'apple', quantity: 10, drcr: 1, bill_id: 'B1' });
    expect(entry).not.toHaveProperty('description');
  });
  it('is raw text when it is no object', () => {
    expect(formOf('hello')).toBeNull();
    expect(formOf('[1]')).toBeNull();
    expect(formOf('7')).toBeNull();
  });
});
