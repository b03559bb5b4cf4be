// The reports' part of the stand-in for the Tauri side (fake-door.js), injected before it.
window.__fakeReports = ({ wish, catalog, pause }) => {
  const found = wish.empty ? 0 : (wish.reportRows ?? 1600);
  const figuresOf = (i) => {
    const [opening, inward, outward] = [900 + i, (i * 7) % 400, (i * 5) % 300];
    return { opening, inward, outward, closing: opening + inward - outward, entries: i % 40 };
  };
  // `posted`: so many entries of goods that nobody had before, each a row above all others.
  const posted = () => wish.posted ?? 0;
  const version = () => String(posted());
  const row = (at) => {
    const i = at - posted();
    if (i < 0) {
      const group = [`new${i}`, 'WH-SH'];
      return { group, names: [`New goods ${-i}`, 'Shanghai 上海总仓'], figures: figuresOf(1) };
    }
    const product = catalog.product[i % catalog.product.length];
    const warehouse = catalog.warehouse[i % catalog.warehouse.length];
    return {
      group: [product.id, warehouse.id],
      names: [product.name, warehouse.name],
      figures: figuresOf(i),
    };
  };
  let handle = 0;
  const commands = {
    report_choices: () => ({
      warehouses: catalog.warehouse.map((w) => w.id),
      categories: [...new Set(catalog.product.map((p) => p.category))],
    }),
    report_open: async ({ query }) => {
      await pause(wish.reportPause ?? 0);
      handle += 1;
      const day = (text) => text.slice(0, 10);
      return {
        report: handle,
        found: found + posted(),
        totals: figuresOf(found + posted()),
        from: `${day(query.from ?? query.to)} 00:00:00`,
        to: `${day(query.to)} 23:59:59`,
        version: version(),
      };
    },
    report_version: version,
    report_rows: ({ report, start, end }) => {
      if (report !== handle)
        throw {
          code: 'not_found',
          message: { code: '', values: {}, english: 'not held' },
          field: null,
        };
      return Array.from({ length: Math.max(0, Math.min(end, found + posted()) - start) }, (_, i) =>
        row(start + i),
      );
    },
    report_entries: ({ after }) => ({
      entries: Array.from({ length: 200 }, (_, i) => ({
        create_time: `2026-11-${String(20 - Math.floor(i / 20)).padStart(2, '0')} 10:00:00`,
        bill_id: `OUT-${after ? 2 : 1}-${i}`,
        warehouse_id: 'WH-SH',
        warehouse_name: 'Shanghai 上海总仓',
        product_id: 'apple',
        product_name: 'Red apple 红富士苹果',
        company_id: 'C-001',
        company_name: 'Green Farm Co. 绿野农场',
        quantity: 1 + i,
        drcr: i % 3 ? -1 : 1,
        description: '',
      })),
      next: after ? null : 'older',
    }),
    report_movers: ({ slowest }) => ({
      found: 40,
      movers: Array.from({ length: 30 }, (_, i) => {
        const at = slowest ? 29 - i : i;
        const product = catalog.product[at % catalog.product.length];
        return {
          product_id: product.id,
          product_name: product.name,
          unit: product.unit,
          figures: figuresOf(at * 3),
          turnover: at % 5 === 4 ? null : 1234 - at * 40,
          lasts: at % 7 === 6 ? null : 3 + at,
          last_out: at % 6 === 5 ? null : '2026-11-20',
        };
      }),
    }),
    report_alerts: () => {
      const place = (i) => {
        const product = catalog.product[i % catalog.product.length];
        const warehouse = catalog.warehouse[i % catalog.warehouse.length];
        return {
          product_id: product.id,
          product_name: product.name,
          unit: product.unit,
          warehouse_id: warehouse.id,
          warehouse_name: warehouse.name,
        };
      };
      const times = { low_found: 9, unusual_found: 0, times: 3, spreads: 5, least: 10, known: 14 };
      const low = Array.from({ length: 9 }, (_, i) => ({
        ...place(i),
        quantity: 7 * i - 5,
        minimum: 80,
      }));
      return { ...times, judged: 30, low, unusual: [] };
    },
  };
  return { commands };
};
