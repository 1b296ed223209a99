/** `startBroker` as a process that a test can kill: settings as JSON on stdin's first line, messages to a file. */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type BrokerCredentials, startBroker } from './broker.ts';

for await (const line of createInterface({ input: process.stdin })) {
  const settings = JSON.parse(line) as { port: number; credentials: BrokerCredentials; file: string };
  await startBroker({
    ...settings,
    onPublish(_topic, payload) {
      // Written before it is acknowledged: what follows in the file is what the broker owes.
      appendFileSync(settings.file, `${payload}\n`);
      return true;
    },
  });
  process.stdout.write('ready\n');
}
