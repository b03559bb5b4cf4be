// The audit's part of the stand-in for the Tauri side (fake-door.js), injected before it.
window.__fakeAudit = ({ wish, catalog, send, channelOf, pause }) => {
  const causes =
    'stock_edited row_missing stock_lost stock_doubled totals_wrong stock_damaged table_missing row_changed row_doubled balances_wrong source_wrong stock_unknown_key row_foreign verdict_changed entry_id_reused'.split(
      ' ',
    );
  const states = {
    nrs_missing: ['NRS缺失', '已用关系数据库数据进行校正'],
    doubled: ['RRS或NRS重复', '需要人工回放消息队列给予比对矫正'],
  };
  const cut = Array.from({ length: 12 }, (_, i) => ({
    source: `8f3a01c2.${i}`,
    offset: 1_204_118 + i * 7919,
  }));
  const within = (at, days) =>
    !days || ((days.from ?? '') <= at.slice(0, 10) && at.slice(0, 10) <= (days.to ?? '9999'));
  const run = (id, more) => ({
    id,
    started: `2026-11-23 ${String(8 + (id % 12)).padStart(2, '0')}:02:11`,
    took_ms: 1240,
    kind: 'quick',
    trigger: id % 3 ? 'time' : 'click',
    who: id % 3 ? 'inv-daemon on stock-01' : 'li@desk-7',
    outcome: 'clean',
    keys: 48210,
    equal: 48210,
    pending: 0,
    foreign: 3,
    rows: 0,
    tables: 0,
    brought: 0,
    cut,
    lines: 0,
    ...more,
  });
  const deviating = wish.audit === 'storm' ? 4800 : wish.audit === 'clean' ? 0 : 37;
  const runs = wish.empty
    ? []
    : Array.from({ length: 240 }, (_, i) =>
        run(
          240 - i,
          i % 9 === 4
            ? {
                outcome: 'corrected',
                lines: 2,
                equal: 48208,
                kind: 'full',
                rows: 9_812_004,
                tables: 1204,
              }
            : i % 31 === 20
              ? { outcome: 'cancelled', keys: 12000, equal: 12000 }
              : i % 40 === 7
                ? { kind: 'replay', outcome: 'corrected', lines: 3, rows: 812_220 }
                : {},
        ),
      );
  if (!wish.empty && deviating)
    runs.unshift(
      run(241, {
        outcome: wish.audit === 'storm' ? 'storm' : 'deviations',
        equal: 48210 - 4 - deviating,
        lines: deviating,
        pending: 4,
        brought: 2,
      }),
    );
  const line = (i, audit_id) => {
    const cause = causes[i % causes.length];
    const whole = ['totals_wrong', 'table_missing', 'source_wrong'].includes(cause);
    const p = catalog.product[(i * 7) % 400];
    const w = catalog.warehouse[i % 4];
    const rrs = 1200 + i * 37;
    const nrs = whole ? rrs : rrs + (i % 2 ? -(i + 3) : 10 + i);
    const state = nrs < rrs ? 'nrs_missing' : 'doubled';
    const key = { warehouse_id: w?.id, product_id: p?.id };
    return {
      id: 100000 - i,
      audit_id,
      at: '2026-11-23 14:02:12',
      subject: whole ? ['t_apple_20261122', '8f3a01c2.3'][i % 2] : `${w?.id}:${p?.id}`,
      key: whole ? null : key,
      warehouse_name: whole ? '' : w?.name,
      product_name: whole ? '' : p?.name,
      keys: whole
        ? Array.from({ length: 12 }, (_, n) => ({
            warehouse_id: catalog.warehouse[n % 4]?.id,
            product_id: catalog.product[n]?.id,
          }))
        : [],
      state,
      state_words: states[state][0],
      reviewed: i % 5 === 3,
      description: states[state][1],
      rrs,
      nrs,
      difference: nrs - rrs,
      cause,
      store: cause.startsWith('stock') ? 'stock' : 'ledger',
      action: state === 'nrs_missing' ? 'corrected' : i % 7 === 6 ? 'none' : 'proposed',
      before: `{"base":${rrs},"change":${nrs - rrs},"at":{"8f3a01c2.3":[1234,${rrs}]}}`,
      after: `{"base":${rrs},"change":0,"at":{"8f3a01c2.3":[1234,${rrs}]}}`,
    };
  };
  let isCancelled = false;
  const walk = async (feed, phases) => {
    isCancelled = false;
    const channel = channelOf(feed);
    for (const [phase, total] of phases)
      for (let i = 0; i <= 20 && !isCancelled; i += 1) {
        const at = 20 * phases.findIndex(([p]) => p === phase) + i;
        send(channel, {
          phase,
          done: Math.round((total * i) / 20),
          total,
          rows: 0,
          found: i > 8 ? 2 : 0,
          elapsed_ms: at * 120,
        });
        await pause(60);
      }
  };
  const findings = Array.from({ length: 9 }, (_, i) => ({
    key: { warehouse_id: 'WH-SH', product_id: 'apple' },
    warehouse_name: 'Shanghai 上海总仓',
    product_name: 'Red apple 红富士苹果',
    bill_id: i === 4 ? '' : `IN-20261123-00${40 + (i % 6)}`,
    subject: 'WH-SH:apple',
    place: `8f3a01c2.3:${1_204_118 + i * 31}`,
    kind: ['missing', 'changed', 'doubled', 'extra'][i % 4],
    cause: ['row_missing', 'row_changed', 'row_doubled', 'row_foreign'][i % 4],
    store: i % 3 ? 'ledger' : 'stock',
    wanted: i % 4 === 3 ? null : 12 + i,
    standing: i % 4 === 0 ? null : i * 10,
    wanted_text:
      i % 4 === 3
        ? ''
        : `{"product_id":"apple","quantity":${12 + i},"drcr":1,"company_id":"C-001","warehouse_id":"WH-SH","bill_id":"IN-20261123-0041","create_time":"2026-11-23 10:12:00","description":"Pallet 7, dock B"}`,
    standing_text: i % 4 === 0 ? '' : `{"product_id":"apple","quantity":${i * 10},"drcr":1}`,
    beyond_proof: i === 7,
    action: i === 7 ? 'none' : 'proposed',
  }));
  return {
    last: () => {
      const [last] = runs.filter((r) => r.kind !== 'replay');
      return last
        ? { id: last.id, at: last.started, outcome: last.outcome, lines: last.lines }
        : null;
    },
    commands: {
      notify: () => undefined,
      print_page: () => undefined,
      audit_overview: () => ({
        last: runs[0] ?? null,
        last_check: wish.empty ? null : '2026-11-23 14:02:11',
        next: wish.empty ? null : '2026-11-23 15:02:11',
        expiration: 3600,
        running: false,
      }),
      audit_start: async ({ full, feed }) => {
        await walk(
          feed,
          full
            ? [
                ['keys', 48210],
                ['tables', 1204],
              ]
            : [['keys', 48210]],
        );
        const done = run(runs.length + 900, { trigger: 'click', kind: full ? 'full' : 'quick' });
        runs.unshift(done);
        return done;
      },
      audit_cancel: () => {
        isCancelled = true;
      },
      audit_runs: ({ query: { who, days, before, limit } }) =>
        runs
          .filter((r) => r.who.includes(who) && within(r.started, days))
          .filter((r) => before === null || r.id < before)
          .slice(0, limit),
      audit_lines: ({ search, limit }) => {
        const of = runs.find((r) => r.id === search.audit_id);
        const count = of ? of.lines : wish.empty ? 0 : 900;
        return Array.from({ length: count }, (_, i) => line(i, of?.id ?? 241))
          .filter((l) => l.subject.includes(search.subject))
          .filter((l) => search.cause === null || l.cause === search.cause)
          .filter((l) => within(l.at, search.days))
          .filter((l) => search.before === null || l.id < search.before)
          .slice(0, limit);
      },
      audit_review: () => undefined,
      audit_export: ({ form }) => ({ path: `/home/li/audit-log.${form}`, rows: 37 }),
      replay_start: async ({ query, feed }) => {
        await walk(feed, [['queue', 812220]]);
        return {
          run: run(0, { kind: 'replay', rows: 812220 }),
          findings: findings.map((f) => ({
            ...f,
            action: query.apply && !f.beyond_proof ? 'corrected' : f.action,
          })),
          messages: 812220,
          total: findings.length,
          keys: 1,
          in_stock: 3,
          in_ledger: 6,
          corrected: query.apply ? findings.length : 0,
          beyond_proof: 2,
        };
      },
    },
  };
};
