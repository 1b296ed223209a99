import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { metricNames } from '../contracts/metrics.ts';

const names = metricNames.processor;

/** Every metric of the processor. Labels are bounded: reasons are a fixed list, databases come from the settings. */
export function createProcessorMetrics(registry: Registry) {
  const registers = [registry];
  return {
    received: new Counter({ name: names.received, help: 'Messages taken from the bus', registers }),
    stored: new Counter({ name: names.stored, help: 'Readings stored as new rows', registers }),
    duplicates: new Counter({ name: names.duplicates, help: 'Readings that were stored already', registers }),
    deadLetters: new Counter({ name: names.deadLetters, help: 'Dead letters', labelNames: ['reason'], registers }),
    queryableSeconds: new Histogram({
      name: names.queryableSeconds,
      help: "From the gateway's receive time to the commit",
      buckets: [0.002, 0.005, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    batchRows: new Histogram({
      name: names.batchRows,
      help: 'Rows a batch',
      buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500],
      registers,
    }),
    paused: new Gauge({ name: names.paused, help: '1 while nothing is pulled because a store is away', registers }),
    openAlerts: new Gauge({
      name: names.openAlerts,
      help: 'Alerts open in the shards this processor watches',
      registers,
    }),
    openLetters: new Gauge({ name: names.openLetters, help: 'Dead letters that wait for somebody', registers }),
    oldestLetter: new Gauge({ name: names.oldestLetter, help: 'Age of the oldest open dead letter', registers }),
    replays: new Counter({ name: names.replays, help: 'Dead letters replayed', labelNames: ['result'], registers }),
    held: new Gauge({ name: 'iot_processor_held_messages', help: 'Messages under lease', registers }),
    waiting: new Gauge({
      name: 'iot_processor_waiting_messages',
      help: 'Messages waiting for a database',
      labelNames: ['database'],
      registers,
    }),
    away: new Gauge({
      name: 'iot_processor_database_away',
      help: '1 while a database does not take rows',
      labelNames: ['database'],
      registers,
    }),
    parked: new Counter({ name: 'iot_processor_parked_messages_total', help: 'Messages parked', registers }),
    stateRepairs: new Counter({
      name: 'iot_processor_state_repairs_total',
      help: 'Newest states written again from Postgres',
      registers,
    }),
    rollupMinutes: new Counter({
      name: 'iot_processor_rollup_minutes_total',
      help: 'Device minutes rolled up',
      registers,
    }),
    rollupFailures: new Counter({
      name: 'iot_processor_rollup_failures_total',
      help: 'Device minutes that could not be rolled up; their readings are stored',
      registers,
    }),
  };
}
export type ProcessorMetrics = ReturnType<typeof createProcessorMetrics>;
