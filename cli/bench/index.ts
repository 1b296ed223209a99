import { type Command, Option } from 'commander';
import { json } from '../output.ts';
import { list, whole } from '../values.ts';
import { findPlatform } from './platform.ts';

type Common = { data?: string; json?: boolean };

/** `iot bench …`: the numbers that docs/benchmarks.md claims, against the platform that runs on this machine. */
export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('Measure the running platform: path, connections, handshakes, faults, monolith, reconnect');
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const show = (options: Common, result: unknown, text: string) =>
    void process.stdout.write(`${options.json === true ? json(result) : text}\n`);
  const command = (name: string, description: string) =>
    bench
      .command(name)
      .description(description)
      .option('--data <dir>', 'data folder of the platform (default: the one started last)')
      .option('--json', 'result as one JSON line');

  command('path', 'Readings through the whole path at a fixed rate, over mutual TLS')
    .requiredOption('--rate <n>', 'readings a second', whole(1, 1_000_000))
    .option('--seconds <n>', 'measured time', whole(1, 3_600), 20)
    .option('--warmup <n>', 'seconds before that, not measured', whole(0, 600), 5)
    .option('--connections <n>', 'devices', whole(1, 20_000), 1_000)
    .option('--batch <n>', 'readings a message', whole(1, 1_000), 1)
    .option('--bytes <n>', 'JSON bytes a reading', whole(130, 2_000), 150)
    .addOption(new Option('--tls', 'mutual TLS; always on').hideHelp())
    .action(
      async (options: Common & Record<'rate' | 'seconds' | 'warmup' | 'connections' | 'batch' | 'bytes', number>) => {
        const { benchPath } = await import('./path.ts');
        const { pathText } = await import('./text.ts');
        const result = await benchPath(
          await findPlatform(options.data),
          {
            rate: options.rate,
            seconds: options.seconds,
            warmupSeconds: options.warmup,
            connections: options.connections,
            batch: options.batch,
            readingBytes: options.bytes,
          },
          say,
        );
        show(options, result, pathText(result));
      },
    );

  command('connections', 'Resident memory of an idle mutual-TLS device, beside bare aedes')
    .option('--count <n>', 'devices', whole(1, 15_000), 5_000)
    .action(async (options: Common & { count: number }) => {
      const { benchConnections } = await import('./connections.ts');
      const { connectionsText } = await import('./text.ts');
      const result = await benchConnections(await findPlatform(options.data), options.count, say);
      show(options, result, connectionsText(result));
    });

  command('handshakes', 'TLS handshakes a core, full and resumed, beside bare aedes')
    .option('--count <n>', 'handshakes of each kind', whole(100, 100_000), 2_000)
    .action(async (options: Common & { count: number }) => {
      const { benchHandshakes } = await import('./handshakes.ts');
      const { handshakesText } = await import('./text.ts');
      const result = await benchHandshakes(await findPlatform(options.data), options.count, say);
      show(options, result, handshakesText(result));
    });

  command(
    'faults',
    'Kill each part and stop the database under load; compare what was acknowledged with what is stored',
  )
    .option('--messages <n>', 'readings for each fault', whole(500, 10_000_000), 20_000)
    .option('--rate <n>', 'readings a second', whole(10, 10_000), 1_000)
    .option('--away <seconds>', 'how long the database is away', whole(1, 600), 60)
    .option('--only <text>', 'faults whose name holds this')
    .action(async (options: Common & { messages: number; rate: number; away: number; only?: string }) => {
      const { benchFaults } = await import('./faults/bench.ts');
      const { faultsText } = await import('./text.ts');
      const result = await benchFaults(await findPlatform(options.data), options, say);
      show(options, result, faultsText(result));
      if (!result.whole) process.exitCode = 1;
    });

  command('monolith', 'The same load on the platform and on two monoliths, in turns; which is ahead by how much')
    .option('--rates <list>', 'readings a second, by commas', list(whole(1, 100_000)), [100, 1_000, 3_000])
    .option('--seconds <n>', 'measured time of a run', whole(1, 600), 10)
    .option('--warmup <n>', 'seconds before that, not measured', whole(0, 600), 3)
    .option('--commit-ms <n>', 'added to each commit of the database, for all alike', whole(0, 100), 2)
    .option('--runs <n>', 'runs of each at each rate', whole(1, 9), 3)
    .option('--connections <n>', 'devices', whole(1, 20_000), 1_000)
    .action(
      async (
        options: Common & { rates: number[] } & Record<
            'seconds' | 'warmup' | 'commitMs' | 'runs' | 'connections',
            number
          >,
      ) => {
        const { benchMonolith } = await import('./monolith/bench.ts');
        const { monolithText } = await import('./monolith/text.ts');
        const { rates, seconds, warmup: warmupSeconds, commitMs, runs, connections } = options;
        const result = await benchMonolith(
          await findPlatform(options.data),
          { rates, seconds, warmupSeconds, commitMs, runs, connections },
          say,
        );
        show(options, result, monolithText(result));
      },
    );

  bench
    .command('reconnect')
    .description('A fleet that loses all connections at one moment, simulated; needs no running platform')
    .option('--devices <n>', 'devices', whole(1, 1_000_000), 55_000)
    .option('--pods <n>', 'gateways, a core each', whole(1, 1_000), 6)
    .option('--handshakes <n>', 'a core and second, as `bench handshakes` measures', whole(1, 100_000), 500)
    .option('--share <percent>', 'of a core, for handshakes', whole(1, 100), 60)
    .option(
      '--backoff-max <seconds>',
      'ceiling of the back-off (default: the one of the device library)',
      whole(1, 3_600),
    )
    .option('--json', 'result as one JSON line')
    .action(
      async (
        options: Common & { backoffMax?: number } & Record<'devices' | 'pods' | 'handshakes' | 'share', number>,
      ) => {
        const { benchReconnect, shippedBackoffMaxSeconds } = await import('./reconnect/bench.ts');
        const { reconnectText } = await import('./reconnect/text.ts');
        const { devices, pods, handshakes, share, backoffMax = shippedBackoffMaxSeconds } = options;
        const result = benchReconnect({ devices, pods, handshakes, share, backoffMaxSeconds: backoffMax });
        show(options, result, reconnectText(result));
      },
    );

  bench
    .command('program')
    .description('How long a preview waits for the infrastructure program; needs no running platform')
    .option('--stack <name>', 'a stack of stacks/Pulumi.<name>.yaml', 'prod')
    .option('--runs <n>', 'fresh processes', whole(1, 99), 5)
    .option('--json', 'result as one JSON line')
    .action(async (options: Common & { stack: string; runs: number }) => {
      const { benchProgram, programText } = await import('./program.ts');
      const result = await benchProgram(options.stack, options.runs, say);
      show(options, result, programText(result));
    });

  bench
    .command('policies')
    .description('What the policy packs cost a preview: start, resource, stack; needs no running platform')
    .option('--json', 'result as one JSON line')
    .action(async (options: Common) => {
      const { benchPolicies, policiesText } = await import('./policies.ts');
      const result = await benchPolicies();
      show(options, result, policiesText(result));
    });

  bench
    .command('suite')
    .description('How long the unit tests of the infrastructure take; needs no running platform')
    .option('--json', 'result as one JSON line')
    .action(async (options: Common) => {
      const { benchSuite, suiteText } = await import('./suite.ts');
      const result = await benchSuite();
      show(options, result, suiteText(result));
    });

  command('all', 'Everything, for docs/benchmarks.md')
    .option('--write', 'replace the measured part of docs/benchmarks.md')
    .option('--runs <n>', 'repeats of each path measurement', whole(1, 9), 3)
    .option('--seconds <n>', 'measured time of a path run', whole(5, 600), 20)
    .option('--connections <n>', 'devices of the path', whole(10, 20_000), 1_000)
    .option('--idle <n>', 'devices for the memory of an idle one', whole(100, 15_000), 5_000)
    .option('--handshakes <n>', 'handshakes of each kind', whole(100, 100_000), 3_000)
    .option('--fault-messages <n>', 'readings for each fault', whole(500, 10_000_000), 300_000)
    .option('--fault-rate <n>', 'readings a second under a fault', whole(10, 10_000), 2_000)
    .option('--away <seconds>', 'how long the database is away', whole(1, 600), 60)
    .option('--resume', 'go on where an earlier run on this data folder ended')
    .option('--for <minutes>', 'begin no part after this; --resume goes on', whole(1, 1_440), 1_440)
    .option('--keep-faults', 'measure no faults; those of the page stay')
    .action(
      async (
        options: Common & Partial<Record<'write' | 'resume' | 'keepFaults', boolean>> & Record<string, number>,
      ) => {
        const { benchAll, writePage } = await import('./report/all.ts');
        const { benchmarksPage } = await import('./report/page.ts');
        const number = (name: string) => options[name] as number;
        const results = await benchAll(
          await findPlatform(options.data),
          {
            runs: number('runs'),
            seconds: number('seconds'),
            connections: number('connections'),
            idle: number('idle'),
            handshakes: number('handshakes'),
            faultMessages: number('faultMessages'),
            faultRate: number('faultRate'),
            awaySeconds: number('away'),
            resume: options.resume === true,
            forMinutes: number('for'),
            keepFaults: options.keepFaults === true,
          },
          say,
        );
        show(options, results, benchmarksPage(results));
        if (options.write === true) say(`written: ${await writePage(results)}`);
      },
    );
}
