// Pushes one image of this clone: `node infra/images/push.mjs NAME`, with IMAGE_REFERENCE=HOST/PATH@sha256:DIGEST. The
// engine runs it inside `up`. Plain JavaScript that any Node can parse: it runs before we know which Node this is.
const needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    `Pushing an image needs Node ${needed} or newer; ${process.execPath} is ${process.version}. ` +
      'Run the engine as `npx pulumi …` after `npm install` in the project, which puts Node 24 first on PATH, or install Node 24.\n',
  );
  process.exit(1);
}
const { parseImageName, pushPlanned } = await import('./push-one.ts');
const { googleToken } = await import('./credentials.ts');
const { cloneRoot } = await import('./paths.ts');
try {
  const name = parseImageName(process.argv[2]);
  const reference = process.env.IMAGE_REFERENCE ?? '';
  const { digest, tag, sent } = await pushPlanned(cloneRoot, name, reference, googleToken(process.env));
  process.stdout.write(`${name} ${digest} (${tag}): ${sent} blobs sent\n`);
} catch (error) {
  process.stderr.write(`push of ${process.argv[2] ?? 'no image'} failed: ${error.message}\n`);
  process.exit(1);
}
