import { describe, expect, it } from 'vitest';
import { formatCount, formatHundredths, formatSigned, parseCount, parseQuantity } from './quantity';

describe('quantity', () => {
  it.each([
    ['12', 12],
    [' 012 ', 12],
    ['1,234', 1234],
    ['\uff11\uff12\uff0c\uff13\uff14\uff15', 12345],
    ['1,234,567', 1234567],
    ['+7', 7],
    ['2147483647', 2147483647],
  ])('takes %s', (text, value) => expect(parseQuantity(text)).toEqual({ ok: true, value }));
  it.each([
    ['', 'empty'],
    ['  ', 'empty'],
    ['1.5', 'not_whole'],
    ['1e3', 'not_whole'],
    ['12,34', 'not_whole'],
    ['ten', 'not_whole'],
    ['0', 'not_positive'],
    ['-3', 'not_positive'],
    ['\uff0d\uff13', 'not_positive'],
    ['2147483648', 'too_large'],
    ['99999999999999999999', 'too_large'],
  ])('refuses %s: %s', (text, problem) =>
    expect(parseQuantity(text)).toEqual({ ok: false, problem }),
  );
  it('is a count where nothing is enough', () => {
    expect(parseCount('0')).toEqual({ ok: true, value: 0 });
    expect(parseCount('-1')).toEqual({ ok: false, problem: 'not_positive' });
  });
  it('writes thousands and signs', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
    expect(formatCount(-1234)).toBe('−1,234');
    expect(formatSigned(5)).toBe('+5');
    expect(formatSigned(-5)).toBe('−5');
    expect(formatHundredths(123405)).toBe('1,234.05');
  });
});
