import { type Recording, record } from '../infra/recording/record.ts';
import { renderOf } from '../infra/render/render.ts';
import { componentOf } from '../infra/render/resources.ts';
import { writeRendering } from '../infra/render/write.ts';
import { readStackFile } from '../infra/settings/stack-file.ts';
import { run } from '../stacks/index.ts';

export type RenderResult = {
  resources: number;
  files: number;
  /** Resources by component. */
  components: Readonly<Record<string, number>>;
  warnings: readonly string[];
};

/** A stack's program under the recorder, with the settings of its file. @throws StackFileError, StackSettingsError */
export async function recordStackFile(root: string, stack: string): Promise<{ up: Recording; preview: Recording }> {
  const { project, config } = readStackFile(root, stack);
  const once = (mode: 'up' | 'preview') => record({ project, stack, config, mode, program: run });
  return { up: await once('up'), preview: await once('preview') };
}

/** @throws also ForeignFolderError. */
export async function renderStack(root: string, stack: string, folder: string): Promise<RenderResult> {
  const recordings = await recordStackFile(root, stack);
  const files = renderOf(recordings);
  writeRendering(folder, files);
  const components: Record<string, number> = {};
  const made = recordings.preview.registrations.filter(({ type }) => !type.startsWith('iot:'));
  for (const each of made) components[componentOf(each)] = (components[componentOf(each)] ?? 0) + 1;
  return { resources: made.length, files: files.length, components, warnings: recordings.preview.warnings };
}
