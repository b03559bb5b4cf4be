import { afterEach, describe, expect, it } from 'vitest';
import { causeAndCure, said } from './said';
import { overwriteGetLocale } from './paraglide/runtime';
import type { Words } from '../api/bindings/Words';

const failed: Words = {
  code: 'statement_failed',
  values: {
    error: 'Too many connections',
    cure: { code: 'cure_mysql_reach', values: {}, english: 'Check that it runs.' },
  },
  english: 'The statement failed: Too many connections. Check that it runs.',
};

const unsaid = (text: string): Words => ({ code: '', values: {}, english: text });

afterEach(() => overwriteGetLocale(() => 'en'));

describe('the engine’s words', () => {
  it('are read as they came in English', () => {
    expect(said(failed)).toBe(failed.english);
    expect(causeAndCure(failed)).toEqual({
      cause: 'The statement failed: Too many connections',
      cure: 'Check that it runs',
    });
  });

  it('are said in Chinese, words within them too', () => {
    overwriteGetLocale(() => 'zh-CN');
    expect(said(failed)).toBe(
      '语句失败：Too many connections。请检查账本服务器是否在运行、能否连通。',
    );
    expect(causeAndCure(failed)).toEqual({
      cause: '语句失败：Too many connections',
      cure: '请检查账本服务器是否在运行、能否连通',
    });
  });

  it('stay as they came where the code is not known', () => {
    overwriteGetLocale(() => 'zh-CN');
    expect(said(unsaid('boom'))).toBe('boom');
    expect(said({ code: 'of_a_newer_engine', values: {}, english: 'new' })).toBe('new');
    expect(causeAndCure(unsaid('boom'))).toEqual({ cause: 'boom', cure: '' });
  });
});
