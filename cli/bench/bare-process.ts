/**
 * The bare reference: aedes over mutual TLS and nothing else, in a process of its own. Certificate files as arguments,
 * the port it got is printed.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';

const [dir = '', port = '0'] = process.argv.slice(2);
const broker = await Aedes.createBroker({ concurrency: 10_000 });
const server = createServer(
  {
    key: readFileSync(`${dir}/server.key`),
    cert: readFileSync(`${dir}/server.pem`),
    ca: readFileSync(`${dir}/devices-ca.pem`),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  },
  (socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    broker.handle(socket);
  },
);
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
