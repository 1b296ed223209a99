import { confirmed, installed, starting } from '../../../runtime/device/firmware/boot-state.ts';
import { openFirmwareStore } from '../../../runtime/device/firmware/store.ts';

/** Confirms one release after the other in the folder of its argument, and says each once it is on disk; until killed. */
const store = await openFirmwareStore(process.argv[2] as string);
for (;;) {
  const state = await store.read();
  const counter = state.counter + 1;
  await store.write(confirmed(starting(installed(state, { signed: '', counter, sha256: '' })).next));
  process.stdout.write(`${counter}\n`);
}
