#!/usr/bin/env node
import { onNeededNode } from './node.mjs';

await onNeededNode(import.meta.url);
const { main } = await import('./main.ts');
await main(process.argv.slice(2), process.env);
