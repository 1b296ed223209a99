import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { engineText } from './declared.ts';

/** One key of `Pulumi.yaml`'s config: typed, or a plain value for the engine itself. */
type ConfigEntry = {
  type?: string;
  items?: { type: string };
  default?: unknown;
  value?: unknown;
  description?: string;
};

export type ProjectFile = { name: string; config: Readonly<Record<string, ConfigEntry>> };

/** A stack's file that is missing or cannot be read; the message names the file and the way out. */
export class StackFileError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'StackFileError';
  }
}

const stackFile = /^Pulumi\.(.+)\.yaml$/;

/** `Pulumi.yaml` of a clone. @param root the clone's folder. */
export function readProjectFile(root: string): ProjectFile {
  return read(join(root, 'Pulumi.yaml')) as ProjectFile;
}

/**
 * A stack's settings as the engine hands them to the program: its file, and the project's default for each key that it
 * lacks. Secrets are not opened (no setting of this platform is one).
 * @returns every key with its namespace, values as text.
 * @throws StackFileError
 */
export function readStackFile(root: string, stack: string): { project: string; config: Record<string, string> } {
  const project = readProjectFile(root);
  const path = join(root, 'stacks', `Pulumi.${stack}.yaml`);
  if (!existsSync(path))
    throw new StackFileError(
      `no stack is named '${stack}': stacks/Pulumi.${stack}.yaml does not exist; there are ${stackNames(root).join(', ')}`,
    );
  const own = (read(path) as { config?: Record<string, unknown> } | null)?.config ?? {};
  const config: Record<string, string> = {};
  for (const [key, value] of Object.entries(own)) {
    if (value === null || value === undefined)
      throw new StackFileError(`${path}: ${key} has no value; give it one, or remove the line`);
    config[key.includes(':') ? key : `${project.name}:${key}`] = engineText(value);
  }
  for (const [key, entry] of Object.entries(project.config)) {
    const name = key.includes(':') ? key : `${project.name}:${key}`;
    const fallback = entry.value ?? entry.default;
    if (config[name] === undefined && fallback !== undefined) config[name] = engineText(fallback);
  }
  return { project: project.name, config };
}

/** Stacks that have a file. */
export function stackNames(root: string): string[] {
  return readdirSync(join(root, 'stacks'))
    .flatMap((name) => stackFile.exec(name)?.[1] ?? [])
    .sort();
}

function read(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof YAMLParseError)
      throw new StackFileError(`${path} is no YAML: ${error.message.split('\n', 1)[0]}`, { cause: error });
    throw error;
  }
}
