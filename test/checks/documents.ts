import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { silentContext } from './reference.ts';

/** Markdown that people read; what a tool made is checked where it is made. */
const documents = (files: readonly string[]) => files.filter((path) => path.endsWith('.md'));

/** Relative links whose file is missing, and `#anchors` that no heading of the file makes. */
export function brokenLinks(root: string, files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const path of documents(files)) {
    const text = withoutCode(readFileSync(join(root, path), 'utf8'));
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(root, linked))) problems.push(`${path}: no file ${linked}`);
      else if (anchor !== undefined && linked.endsWith('.md') && !anchorsOf(join(root, linked)).has(anchor))
        problems.push(`${path}: ${linked} has no heading #${anchor}`);
    }
  }
  return problems;
}

const withoutCode = (text: string) => text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');

/** GitHub's anchors: lower case, spaces to -, other marks dropped. */
function anchorsOf(path: string): Set<string> {
  const headings = readFileSync(path, 'utf8')
    .replace(/^```.*?^```/gms, '')
    .matchAll(/^#{1,6}\s+(.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

/** Commands and options of `npx iot …` in documents that the program does not have. Marked plans are left alone. */
export async function unknownCommands(root: string, files: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  const programs = new Map<string, Command>();
  for (const path of documents(files)) {
    if (/^docs\/(architecture\.md|decisions\/|reference\/)/.test(path)) continue; // these also describe what is to come
    const lines = readFileSync(join(root, path), 'utf8').split('\n');
    for (const [index, line] of lines.entries())
      for (const [, words = ''] of line.matchAll(/npx iot ((?:[^`\n|#&;()]|\(s\))+)/g)) {
        const first = words.trim().split(/\s+/)[0] ?? '';
        const key = first === 'bench' ? 'bench' : '';
        const { createProgram } = await import('../../cli/main.ts'); // as late as in reference.ts
        const program = programs.get(key) ?? (await createProgram(silentContext, key));
        programs.set(key, program);
        const problem = problemOf(program, words);
        if (problem !== undefined) problems.push(`${path}:${index + 1}: npx iot ${words.trim()}: ${problem}`);
      }
  }
  return problems;
}

function problemOf(program: Command, words: string): string | undefined {
  let command = program;
  for (const word of words.trim().split(/\s+/)) {
    if (word === '…' || word === '...') return undefined;
    if (word.startsWith('-')) {
      const flag = word.replace(/[=,.:].*$/, '');
      const known = command.options.some((option) => option.short === flag || option.long === flag);
      if (!known && flag !== '--help') return `no option ${flag}`;
      continue;
    }
    const alternatives = word.split('|');
    const next = command.commands.find((each) => each.name() === alternatives[0]);
    if (next !== undefined) command = next;
    else if (command.commands.length > 0) return `no command ${word}`;
  }
  return undefined;
}
