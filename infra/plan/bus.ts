import { GatewaySettings } from '../../runtime/contracts/settings/services.ts';
import { figures } from './figures.ts';
import { count, type Load, type Sized, step } from './load.ts';

const f = figures;
const perMonth = 730 * 3_600;

export type BusPlan = {
  /** Bytes of one message with its attributes. */
  messageBytes: number;
  /** TiB a month, published and delivered, with the least that a request is charged for. */
  monthlyTebibytes: number;
};

/** Throughput of Pub/Sub. At a low rate a request holds few messages, and each is charged as if it had 1,000 bytes. */
export function busOf(load: Load, gatewayPods: number): Sized<BusPlan> {
  const messageBytes = f.payloadBytes.value + f.attributeBytes.value;
  const batchMs = GatewaySettings.shape.IOT_PUBLISH_BATCH_MS.parse(undefined) as number;
  const perRequest = Math.max(1, (load.mean / gatewayPods) * (batchMs / 1_000));
  const charged = Math.max(messageBytes * perRequest, f.pubsubLeastBytes.value) / perRequest;
  const monthlyTebibytes = (2 * load.mean * charged * perMonth) / 1024 ** 4;
  const megabytes = (load.peak * messageBytes) / 1e6;
  return {
    value: { messageBytes, monthlyTebibytes },
    problems:
      megabytes > f.pubsubMegabytes.value
        ? [
            `${count(load.peak)} messages/s of ${messageBytes} B are ${count(megabytes)} MB/s: Pub/Sub takes ${f.pubsubMegabytes.value} MB/s in a small region without a raised quota. Set devices or messagesPerDevicePerMinute lower`,
          ]
        : [],
    steps: [
      step('Pub/Sub at the peak', `${count(load.peak)} messages/s × ${messageBytes} B`, `${count(megabytes)} MB/s`),
      step(
        'Pub/Sub a month',
        `2 × ${count(load.mean)}/s × ${count(charged)} B charged (${count(perRequest)} a request) × 730 h`,
        `${count(monthlyTebibytes)} TiB`,
      ),
    ],
  };
}
