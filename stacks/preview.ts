import type { PreviewSettings } from '../infra/settings/schema.ts';

/** A preview: a lane inside an environment that ends by itself. */
export async function preview(stack: string, settings: PreviewSettings) {
  return { stack, environment: settings.environment };
}
