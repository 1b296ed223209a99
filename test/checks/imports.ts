import { posix } from 'node:path';

/**
 * Which folder may import which: imports point down only, and a service never imports another one. A service that
 * needs another's shape finds it in `contracts`; one that needs its answer calls it.
 */
const allowed: readonly { from: RegExp; to: readonly string[] }[] = [
  { from: /^runtime\/contracts\//, to: ['runtime/contracts/'] },
  { from: /^runtime\/platform\//, to: ['runtime/platform/', 'runtime/contracts/', 'runtime/migrations/'] },
  // The device library is what a customer ships: nothing of the platform comes along.
  { from: /^runtime\/device\//, to: ['runtime/device/', 'runtime/contracts/'] },
  {
    from: /^runtime\/simulator\//,
    to: ['runtime/simulator/', 'runtime/device/', 'runtime/platform/', 'runtime/contracts/'],
  },
  // It walks through the platform as a device does, with the library that devices have.
  {
    from: /^runtime\/probe\//,
    to: ['runtime/probe/', 'runtime/device/', 'runtime/platform/', 'runtime/contracts/'],
  },
  // What others build on: made from the OpenAPI document, and nothing of the platform comes along.
  { from: /^runtime\/client\//, to: ['runtime/client/'] },
  // Served to browsers: contracts are types and schemas, platform is server code.
  { from: /^runtime\/dashboard\//, to: ['runtime/dashboard/', 'runtime/client/', 'runtime/contracts/'] },
  // The stand-in's named scripts stand beside their Lua twins in platform/cache; the composition root starts everything.
  { from: /^runtime\/local\//, to: ['runtime/'] },
  {
    from: /^runtime\/(gateway|processor|devices|telemetry|api|certificates)\//,
    to: ['runtime/$1/', 'runtime/platform/', 'runtime/contracts/'],
  },
  // Jobs do once what services rely on: schema, grants, partitions, and the certificate of the devices' authority.
  {
    from: /^runtime\/jobs\//,
    to: [
      'runtime/jobs/',
      'runtime/platform/',
      'runtime/contracts/',
      'runtime/migrations/',
      'runtime/devices/authority/',
    ],
  },
  // Which service has which rights: data and what follows from it.
  { from: /^runtime\/migrations\//, to: ['runtime/migrations/'] },
  // The planning core has no Pulumi in it, so that `iot plan` and property tests need none.
  { from: /^infra\/plan\//, to: ['infra/plan/', 'infra/tiers.ts', 'runtime/contracts/'] },
  // Infrastructure knows a service through its settings and names in contracts, and bundles its entry point by path.
  // The API's image carries the built dashboard: one way of building it, here and on one machine.
  { from: /^infra\/images\//, to: ['infra/', 'runtime/contracts/', 'runtime/dashboard/build.ts'] },
  { from: /^infra\//, to: ['infra/', 'runtime/contracts/'] },
  { from: /^stacks\//, to: ['stacks/', 'infra/', 'runtime/contracts/'] },
  // Packs judge any program: they know nothing of this one.
  { from: /^policies\/framework\//, to: ['policies/framework/'] },
  { from: /^policies\/([a-z-]+)\//, to: ['policies/$1/', 'policies/framework/'] },
  { from: /^cli\//, to: ['cli/', 'runtime/', 'infra/', 'stacks/'] },
  { from: /^test\//, to: [''] },
  { from: /^[^/]+$/, to: ['test/'] },
];

const specifier = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(['"])(\.{1,2}\/[^'"\n]+)\1/g;

/** @param files text by path. @returns one line for each import that points where it must not. */
export function wrongImports(files: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const [path, text] of files) {
    const rule = allowed.find(({ from }) => from.test(path));
    if (rule === undefined) {
      problems.push(`${path}: no rule says what this folder may import; test/checks/imports.ts has the rules`);
      continue;
    }
    const service = rule.from.exec(path)?.[1] ?? '';
    const targets = rule.to.map((target) => target.replace('$1', service));
    for (const [, , relative = ''] of text.matchAll(specifier)) {
      const target = posix.normalize(posix.join(posix.dirname(path), relative));
      if (!targets.some((each) => target.startsWith(each)))
        problems.push(`${path} imports ${target}; allowed are ${targets.map((t) => t || 'all').join(', ')}`);
      else if (!/\.(ts|tsx|mjs|json|css)$/.test(relative))
        problems.push(`${path} imports ${relative}: Node needs the file's ending, as ${relative}.ts`);
    }
  }
  return problems;
}
