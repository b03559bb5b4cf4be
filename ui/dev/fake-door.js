// A stand-in for the Tauri side, for looking at screens in a plain browser. It is injected by
// dev/look.mjs and is no part of what is built.
(() => {
  const wish = window.__wish ?? {};
  const words = (english, code = '', values = {}) => ({ code, values, english });
  const empty = !!wish.empty;
  const seeded = (n) => ((Math.sin(n * 99.7) * 43758.5453) % 1) ** 2;
  const goods = [
    ['apple', 'Red apple 红富士苹果', '6901028075831', 'kg', 'Fruit', 200],
    ['pear', 'Snow pear 雪花梨', '6902083881412', 'kg', 'Fruit', 150],
    ['rice-5', 'Northeast rice 5 kg 东北大米', '6903148042441', 'bag', 'Grain', 80],
    ['noodle', 'Wheat noodles 手工挂面', '6920152400012', 'box', 'Grain', 120],
    ['tea-longjing', 'Longjing tea 西湖龙井', '6925303754952', 'tin', 'Drinks', 40],
    ['soy-500', 'Soy sauce 500 ml 生抽', '6902265150169', 'pc', 'Pantry', 240],
    ['water-24', 'Spring water 24 x 550 ml 矿泉水', '6921168509256', 'case', 'Drinks', 300],
    ['tissue', 'Paper tissues 抽纸', '6922868283903', 'pack', 'Household', 500],
    ['battery-aa', 'Batteries AA 五号电池', '6901826888244', 'pack', 'Household', 100],
    ['oil-5', 'Peanut oil 5 l 花生油', '6948195800118', 'can', 'Pantry', 60],
  ];
  const items = {
    product: [],
    warehouse: [
      ['WH-SH', 'Shanghai 上海总仓'],
      ['WH-BJ', 'Beijing 北京仓'],
      ['WH-GZ', 'Guangzhou 广州仓'],
      ['WH-CD', 'Chengdu 成都仓'],
    ],
    company: [
      ['C-001', 'Green Farm Co. 绿野农场'],
      ['C-002', 'Harbour Foods 海港食品'],
      ['C-003', 'Corner Shops 街角便利'],
    ],
  };
  const plain =
    (kind) =>
    ([id, name]) => ({
      kind,
      id,
      name,
      barcode: '',
      unit: '',
      category: '',
      minimum: 0,
      registered: true,
    });
  const catalog = {
    warehouse: empty ? [] : items.warehouse.map(plain('warehouse')),
    company: empty ? [] : items.company.map(plain('company')),
    product: empty
      ? []
      : Array.from({ length: 400 }, (_, i) => {
          const [id, name, barcode, unit, category, minimum] = goods[i % goods.length];
          const n = Math.floor(i / goods.length);
          return {
            kind: 'product',
            id: n ? `${id}-${n}` : id,
            name: n ? `${name} ${n}` : name,
            barcode: n ? `${barcode.slice(0, 10)}${String(i).padStart(3, '0')}` : barcode,
            unit,
            category,
            minimum,
            registered: true,
          };
        }).concat([
          { ...plain('product')(['SKU-99821', 'SKU-99821']), registered: false },
          { ...plain('product')(['7788', '7788']), registered: false },
        ]),
  };
  let stock = [];
  for (const w of catalog.warehouse)
    for (const p of catalog.product) {
      const n = stock.length;
      const base = Math.round(seeded(n) * 4000) - (n % 97 === 5 ? 3200 : 0);
      const change = Math.round((seeded(n + 7) - 0.35) * 600);
      const isToday = seeded(n + 3) > 0.5;
      const quantity = n % 23 === 9 ? 0 : base + change;
      stock.push({
        warehouse_id: w.id,
        warehouse_name: w.name,
        product_id: p.id,
        product_name: p.name,
        unit: p.unit,
        category: p.category,
        quantity,
        base: quantity - change,
        change,
        in_today: isToday ? Math.round(seeded(n + 11) * 300) : 0,
        out_today: isToday ? Math.round(seeded(n + 13) * 200) : 0,
        last_movement: `2026-11-${isToday ? 23 : 10 + (n % 12)} ${String(8 + (n % 10)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}:11`,
        minimum: p.minimum,
        low: p.minimum > 0 && quantity < p.minimum,
        damaged: n === 12,
      });
    }
  const states = ['saved', 'sent', 'in_ledger', 'in_stock'];
  let bills = [];
  const makeBill = (i, kind, lines, state = 'in_stock') => {
    const w = catalog.warehouse[i % 4] ?? plain('warehouse')(['W', 'W']);
    const c = catalog.company[i % 3] ?? plain('company')(['C', 'C']);
    const sum = lines.reduce((s, l) => s + l.quantity, 0);
    return {
      summary: {
        bill_id: `${kind === 'in' ? 'IN' : 'OUT'}-20261123-${String(i).padStart(4, '0')}`,
        kind,
        company_id: c.id,
        company_name: c.name,
        warehouse_id: w.id,
        warehouse_name: w.name,
        create_time: `2026-11-23 ${String(9 + (i % 9)).padStart(2, '0')}:${String((i * 7) % 60).padStart(2, '0')}:00`,
        lines: lines.length,
        quantity: sum,
        first_product: lines[0]?.product_name ?? '',
        state,
        reason: words(''),
        reverses: null,
        reversed_by: null,
      },
      lines,
      states_known: true,
    };
  };
  const billLine = (p, quantity, kind, warehouse_id, state) => ({
    entry_id: null,
    product_id: p.id,
    product_name: p.name,
    unit: p.unit,
    warehouse_id,
    quantity,
    drcr: kind === 'in' ? 1 : -1,
    description: quantity % 3 ? '' : 'Pallet 7, dock B',
    state,
    reason: words(''),
  });
  if (!empty)
    for (let i = 46; i > 0; i -= 1) {
      const kind = i % 3 ? 'in' : 'out';
      const state = i === 46 ? 'sent' : i === 45 ? 'in_ledger' : i === 41 ? 'rejected' : 'in_stock';
      const lines = Array.from({ length: 1 + (i % 9) }, (_, j) =>
        billLine(
          catalog.product[(i * 3 + j) % 400],
          5 + ((i * j * 13) % 190),
          kind,
          'WH-SH',
          state,
        ),
      );
      const bill = makeBill(i, kind, lines, state);
      if (state === 'rejected')
        bill.summary.reason = words('create_time is 12 days ahead of the message');
      if (i === 44) bill.summary.reversed_by = 'OUT-20261123-0045';
      bills.push(bill);
    }
  const rejected = empty
    ? []
    : [
        {
          source: '8f3a01c2.3',
          offset: 18822,
          kind: 'invalid',
          field: 'quantity',
          reason: words('quantity "ten" must be an integer', 'value_refused', {
            field: 'quantity',
            value: '"ten"',
            demand: words('must be an integer', 'demand_not_integer'),
          }),
          payload:
            '{"product_id":"apple","quantity":"ten","drcr":1,"company_id":"C-001","warehouse_id":"WH-SH","bill_id":"PO-7731","create_time":"2026-11-23 08:12:00"}',
          entry_id: null,
          resubmitted_as: null,
        },
        {
          source: '8f3a01c2.1',
          offset: 977,
          kind: 'window',
          field: 'create_time',
          reason: words('create_time is 12 days ahead of the message', 'rejected_window'),
          payload:
            '{"product_id":"pear","quantity":4,"drcr":-1,"company_id":"C-003","warehouse_id":"WH-GZ","bill_id":"X-1","create_time":"2026-12-05 08:12:00"}',
          entry_id: null,
          resubmitted_as: null,
        },
      ];
  const statusNow = () => ({
    version: '0.1.0',
    mode: wish.cluster ? 'cluster' : 'standalone',
    trouble: wish.trouble ?? null,
    parts: ['queue', 'ledger', 'stock'].map((part) => ({
      part,
      state: wish.down === part ? 'down' : 'up',
      detail: words(wish.down === part ? 'connection refused (127.0.0.1:6379)' : ''),
    })),
    waiting: wish.waiting ?? 0,
    lag: wish.lag ?? 0,
    rejected: rejected.length,
    sources: wish.sources ?? [],
    last_audit: audit.last(),
    empty,
    demo_running: false,
  });
  const settings = {
    preferences: {
      language: wish.language ?? 'en',
      theme: wish.theme ?? 'light',
      scanner: { prefix: '', suffix: '' },
      negative: 'warn',
      negative_by_warehouse: empty ? {} : { 'WH-GZ': 'block' },
      last_company: empty ? '' : 'C-001',
      last_warehouse: empty ? '' : 'WH-SH',
      first_run: empty,
      screen: {},
    },
    connections: {
      mode: wish.cluster ? 'cluster' : 'standalone',
      data_dir: '/home/li/.local/share/twinstock',
      kafka_bootstrap_servers: '127.0.0.1:9092',
      kafka_topic: 'PREFIX-TOPIC-INVENTORY',
      kafka_group_id: 'inv-daemon',
      kafka_properties: [],
      mysql_url: 'mysql://inventory@127.0.0.1:3306/inventory',
      mysql_password: { from: 'keychain', typed: null },
      redis_url: 'redis://127.0.0.1:6379/0',
      redis_password: { from: 'none' },
    },
    config_path: '/home/li/.config/twinstock/config.ini',
    restart_needed: false,
  };
  let query = null;
  let view = [];
  let feed = null;
  let seq = 0;
  let range = [0, 40];
  const reorder = () => {
    const q = query;
    const has = (r) =>
      !q.search ||
      [r.product_id, r.product_name, r.warehouse_id, r.warehouse_name].some((t) =>
        t.toLowerCase().includes(q.search.toLowerCase()),
      );
    view = stock.filter(
      (r) =>
        has(r) &&
        (!q.warehouses.length || q.warehouses.includes(r.warehouse_id)) &&
        (!q.categories.length || q.categories.includes(r.category)) &&
        (!q.below_minimum || r.low) &&
        (!q.negative || r.quantity < 0) &&
        (!q.hide_zero || r.quantity !== 0),
    );
    const key =
      {
        warehouse: 'warehouse_id',
        product: 'product_id',
      }[q.sort] ?? q.sort;
    view.sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0) * (q.descending ? -1 : 1));
  };
  const windowOf = (start, end) => {
    range = [start, end];
    const sum = view.reduce((s, r) => s + r.quantity, 0);
    return { start, rows: view.slice(start, end), total: view.length, sum, seq };
  };
  const send = (channel, message) => {
    channel.index = (channel.index ?? -1) + 1;
    window.__TAURI_INTERNALS__.runCallback(channel.id, { message, index: channel.index });
  };
  const channelOf = (text) => ({ id: Number(String(text).replace('__CHANNEL__:', '')) });
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const calls = (window.__calls = []);
  const audit = window.__fakeAudit({ wish, catalog, send, channelOf, pause });
  let drafts = wish.drafts ?? [];
  let number = 47;

  const commands = {
    status: statusNow,
    status_watch({ feed }) {
      const channel = channelOf(feed);
      send(channel, statusNow());
      // Another report, with whatever was wished for meanwhile.
      window.__tell = () => send(channel, statusNow());
    },
    settings_get: () => settings,
    preferences_set: ({ preferences }) => void (settings.preferences = preferences),
    connections_set: ({ connections }) => {
      settings.connections = connections;
      settings.restart_needed = true;
      return settings;
    },
    connections_test: async () => {
      await pause(50);
      const ok = (part, step, message) => ({
        part,
        step,
        state: 'ok',
        message: words(message),
        cure: words(''),
      });
      const missed = (part, step) => ({
        part,
        step,
        state: 'not_reached',
        message: words(''),
        cure: words(''),
      });
      return [
        ok('queue', 'folder', '/home/clerk/.local/share/twinstock may be written'),
        ok('queue', 'address', 'kafka.lan:9092, security.protocol plaintext'),
        ok('queue', 'dns', 'kafka.lan is 192.0.2.7'),
        ok('queue', 'tcp', 'kafka.lan:9092 takes connections'),
        ok('queue', 'topic', 'has 12 partitions, each with a leader'),
        ok('ledger', 'login', 'logged in as inventory'),
        {
          part: 'ledger',
          step: 'grant',
          state: 'failed',
          message: words('This user may not CREATE: CREATE command denied to user inventory'),
          cure: words('GRANT ALL ON `inventory`.* TO the user of [mysql] url'),
        },
        ok('ledger', 'policy', 'version 10.11.11-MariaDB, max_allowed_packet 67108864'),
        {
          part: 'stock',
          step: 'dns',
          state: 'failed',
          message: words('The name redis.lan leads nowhere: Name or service not known'),
          cure: words("Correct the host name, or make it known to this machine's DNS"),
        },
        missed('stock', 'tcp'),
        missed('stock', 'login'),
        missed('stock', 'policy'),
      ];
    },
    engine_restart: statusNow,
    demo_fill: async ({ feed }) => {
      const channel = channelOf(feed);
      for (let i = 0; i <= 20; i += 1) {
        send(channel, { saved: i * 10000, counted: i * 10000, total: 200000, done: i === 20 });
        await pause(100);
      }
      return { saved: 200000, counted: 200000, total: 200000, done: true };
    },
    catalog_search: ({ kind, text, limit }) => {
      const low = text.toLowerCase();
      const rank = (i) =>
        i.id.toLowerCase() === low || i.barcode === text ? 0 : i.id.startsWith(low) ? 1 : 2;
      return catalog[kind]
        .filter((i) => [i.id, i.name, i.barcode].some((t) => t.toLowerCase().includes(low)))
        .sort((a, b) => rank(a) - rank(b))
        .slice(0, limit);
    },
    catalog_get: ({ kind, id }) => catalog[kind].find((i) => i.id === id) ?? null,
    catalog_save: ({ item }) => {
      const saved = { ...item, name: item.name || item.id, registered: true };
      catalog[item.kind] = [saved, ...catalog[item.kind].filter((i) => i.id !== item.id)];
      return saved;
    },
    catalog_scan: ({ code }) => ({
      code,
      item:
        catalog.product.find((p) => p.id === code || p.barcode === code) ??
        catalog.warehouse.find((w) => w.id === code) ??
        null,
    }),
    draft_save: ({ draft }) => {
      drafts = [
        { draft, saved_at: new Date().toISOString() },
        ...drafts.filter((d) => d.draft.draft_id !== draft.draft_id),
      ];
      return drafts[0];
    },
    draft_list: () => drafts,
    draft_delete: ({ draft_id }) =>
      void (drafts = drafts.filter((d) => d.draft.draft_id !== draft_id)),
    bill_number: ({ kind }) =>
      `${kind === 'in' ? 'IN' : 'OUT'}-20261123-${String(number).padStart(4, '0')}`,
    bill_post: async ({ draft }) => {
      await pause(10);
      const errors = [];
      const lines = draft.lines.filter((l) => l.product_id || l.product_text || l.quantity);
      if (!lines.length)
        errors.push({
          line_id: null,
          field: 'lines',
          rule: 'no_lines',
          value: '',
          message: words(''),
        });
      for (const l of lines) {
        if (!l.product_id)
          errors.push({
            line_id: l.line_id,
            field: 'product_id',
            rule: 'unknown_product',
            value: l.product_text,
            message: words(''),
          });
        if (!/^\d+$/.test(l.quantity))
          errors.push({
            line_id: l.line_id,
            field: 'quantity',
            rule: 'not_integer',
            value: l.quantity,
            message: words(''),
          });
      }
      if (errors.length) return { outcome: 'refused', errors };
      const made = makeBill(
        number,
        draft.kind,
        lines.map((l) =>
          billLine(
            catalog.product.find((p) => p.id === l.product_id),
            Number(l.quantity),
            draft.kind,
            draft.warehouse_id,
            'saved',
          ),
        ),
        'saved',
      );
      made.summary.bill_id = draft.bill_id;
      made.summary.create_time = '2026-11-23 18:20:00';
      bills = [made, ...bills];
      number += 1;
      drafts = drafts.filter((d) => d.draft.draft_id !== draft.draft_id);
      return { outcome: 'posted', bill_id: draft.bill_id, lines: lines.length };
    },
    bill_search: ({ query }) => {
      const low = query.text.toLowerCase();
      const found = bills
        .map((b) => b.summary)
        .filter((s) =>
          [s.bill_id, s.company_name, s.first_product].some((t) => t.toLowerCase().includes(low)),
        );
      return { bills: found.slice(0, query.limit), next: null, states_known: true };
    },
    bill_get: ({ bill_id }) => {
      const bill = bills.find((b) => b.summary.bill_id === bill_id);
      if (!bill)
        throw { code: 'not_found', message: words(`There is no bill ${bill_id}.`), field: null };
      return bill;
    },
    bill_watch: ({ bill_id, feed }) => {
      const channel = channelOf(feed);
      const step = async () => {
        for (;;) {
          const i = bills.findIndex((b) => b.summary.bill_id === bill_id);
          if (i < 0) return;
          const bill = bills[i];
          send(channel, bill);
          const at = states.indexOf(bill.summary.state);
          if (at < 0 || at === 3 || wish.still) return;
          await pause(400);
          const state = states[at + 1];
          bills[i] = {
            ...bill,
            summary: { ...bill.summary, state },
            lines: bill.lines.map((l) => ({ ...l, state })),
          };
        }
      };
      void step();
    },
    bill_reverse: ({ bill_id }) => {
      const i = bills.findIndex((b) => b.summary.bill_id === bill_id);
      const from = bills[i];
      const id = `R-${bill_id}`;
      bills[i] = { ...from, summary: { ...from.summary, reversed_by: id } };
      const kind = from.summary.kind === 'in' ? 'out' : 'in';
      bills = [
        {
          ...from,
          summary: { ...from.summary, bill_id: id, kind, reverses: bill_id, state: 'saved' },
          lines: from.lines.map((l) => ({ ...l, drcr: -l.drcr, state: 'saved' })),
        },
        ...bills,
      ];
      return { bill_id: id, reverses: bill_id };
    },
    bill_copy: ({ bill_id }) => {
      const from = bills.find((b) => b.summary.bill_id === bill_id);
      return {
        draft_id: `copy-${Math.random()}`,
        kind: from.summary.kind,
        bill_id: `IN-20261123-00${(number += 1)}`,
        company_id: from.summary.company_id,
        warehouse_id: from.summary.warehouse_id,
        create_time: '',
        lines: from.lines.map((l, i) => ({
          line_id: i + 1,
          product_id: l.product_id,
          product_text: l.product_id,
          quantity: String(l.quantity),
          description: l.description,
        })),
        copied_from: bill_id,
      };
    },
    rejected_list: () => rejected,
    rejected_resubmit: () => ({ outcome: 'posted', bill_id: 'PO-7731', lines: 1 }),
    import_lines: ({ text }) => {
      const rows = text
        .trim()
        .split(/\r?\n/)
        .map((l) => l.split(/\t|,/));
      const errors = [];
      const lines = rows.map(([product_id, quantity, description], i) => {
        const p = catalog.product.find((x) => x.id === product_id);
        if (!p)
          errors.push({
            row: i + 1,
            column: 1,
            field: 'product_id',
            rule: 'unknown_product',
            value: product_id ?? '',
            message: words(''),
          });
        if (!/^\d+$/.test(quantity ?? ''))
          errors.push({
            row: i + 1,
            column: 2,
            field: 'quantity',
            rule: 'not_integer',
            value: quantity ?? '',
            message: words(''),
          });
        return {
          product_id,
          product_name: p?.name ?? '',
          quantity,
          description: description ?? '',
        };
      });
      return errors.length ? { lines: [], errors } : { lines, errors: [] };
    },
    stock_open: ({ query: q, feed: f }) => {
      query = q;
      feed = channelOf(f);
      seq = 0;
      reorder();
      return {
        view: 1,
        total: view.length,
        warehouses: catalog.warehouse.map((w) => w.id),
        categories: [...new Set(catalog.product.map((p) => p.category))],
      };
    },
    stock_query: ({ query: q }) => {
      query = q;
      reorder();
      return windowOf(0, 40);
    },
    stock_window: ({ start, end }) => windowOf(start, end),
    stock_apply: () => {
      reorder();
      return windowOf(...range);
    },
    stock_ack: () => undefined,
    stock_hidden: () => undefined,
    stock_close: () => undefined,
    stock_of: ({ keys }) =>
      keys.map((k) => {
        const r = stock.find(
          (s) => s.warehouse_id === k.warehouse_id && s.product_id === k.product_id,
        );
        return { ...k, quantity: r?.quantity ?? 0, minimum: r?.minimum ?? 0 };
      }),
    stock_card: ({ warehouse_id, product_id, before }) => {
      const r = stock.find((s) => s.warehouse_id === warehouse_id && s.product_id === product_id);
      let balance = (r?.quantity ?? 0) + (before ? 500 : 0);
      const lines = Array.from({ length: 200 }, (_, i) => {
        const drcr = i % 3 ? 1 : -1;
        const quantity = 1 + ((i * 17) % 60);
        const line = {
          create_time: `2026-${before ? '09' : '11'}-${String(23 - Math.floor(i / 10)).padStart(2, '0')} ${String(18 - (i % 10)).padStart(2, '0')}:05:00`,
          bill_id: bills[i % 46]?.summary.bill_id ?? 'X',
          company_id: 'C-001',
          company_name: 'Green Farm Co. 绿野农场',
          quantity,
          drcr,
          balance,
          description: '',
        };
        balance -= drcr * quantity;
        return line;
      });
      return {
        lines,
        next: before ? null : 'older',
        product_name: r?.product_name,
        unit: r?.unit,
        warehouse_name: r?.warehouse_name,
        balance: r?.quantity ?? 0,
      };
    },
    stock_export_csv: () => ({ path: '/home/li/stock.csv', rows: view.length }),
  };

  Object.assign(
    commands,
    audit.commands,
    window.__fakeReports?.({ wish, catalog, pause }).commands,
  );

  /** For a test of the live feed: changes some rows in sight. */
  window.__patch = (changes, extra = {}) => {
    seq += 1;
    const rows = changes.map(([index, by]) => {
      const row = {
        ...view[index],
        quantity: view[index].quantity + by,
        change: view[index].change + by,
      };
      view[index] = row;
      return { index, row };
    });
    send(feed, {
      view: 1,
      seq,
      changes: rows,
      pending: 0,
      sum: 1,
      resync: false,
      stale: false,
      ...extra,
    });
  };

  let callbacks = 0;
  const registry = new Map();
  window.__TAURI_INTERNALS__ = {
    transformCallback(callback) {
      callbacks += 1;
      registry.set(callbacks, callback);
      return callbacks;
    },
    unregisterCallback: (id) => registry.delete(id),
    runCallback: (id, data) => registry.get(id)?.(data),
    async invoke(name, args) {
      const wire = JSON.parse(JSON.stringify(args ?? {}));
      calls.push([name, wire]);
      await pause(0);
      if (!commands[name])
        throw { code: 'internal', message: words(`no command ${name}`), field: null };
      const answer = await commands[name](wire);
      return answer === undefined ? null : JSON.parse(JSON.stringify(answer));
    },
  };
})();
