// Serves dist with the content security policy of the product, so that what it refuses is seen.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const policy =
  "default-src 'self'; connect-src ipc: http://ipc.localhost; img-src 'self' data: blob:; style-src 'self'; object-src 'none'; base-uri 'none'";

/** Resolves to the address and a way to stop. */
export function serve(dist) {
  const server = createServer((request, answer) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const file = join(dist, path === '/' ? 'index.html' : path);
    if (!existsSync(file)) {
      answer.writeHead(404).end();
      return;
    }
    answer.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': policy,
    });
    createReadStream(file).pipe(answer);
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      done({ url: `http://127.0.0.1:${port}/`, stop: () => server.close() });
    });
  });
}
