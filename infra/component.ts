import * as pulumi from '@pulumi/pulumi';
import type { Environment } from './environment.ts';

/**
 * A change to one child of a component, for what no argument offers. Gets the child's arguments and options as the
 * component would use them and returns those to use. Runs in the program, so that tests and `iot render` see its effect.
 */
export type Transform = (
  // biome-ignore lint/suspicious/noExplicitAny: a child may be of any type; the caller narrows it.
  args: any,
  options: pulumi.CustomResourceOptions,
  // biome-ignore lint/suspicious/noExplicitAny: as above.
) => { args: any; options: pulumi.CustomResourceOptions };

/** Arguments that every component has, beside its own. */
export type ComponentArgs = {
  environment: Environment;
  /** By the child's name inside the component, as the reference lists them: `{ vpc: (args, options) => … }`. */
  transforms?: Readonly<Record<string, Transform>>;
};

type ResourceClass<A, R> = new (name: string, args: A, options?: pulumi.CustomResourceOptions) => R;

/** How a child differs from a plain one. */
export type ChildOptions = pulumi.CustomResourceOptions & {
  /** It holds data, or a name that devices know: it gets the tier's protection. */
  guarded?: boolean;
};

/**
 * Base of all components: children are named after their parent and have its providers; a transform can reach each of
 * them; those that hold data are protected as the tier says.
 */
export abstract class Component extends pulumi.ComponentResource {
  protected readonly environment: Environment;
  readonly #name: string;
  readonly #transforms: Map<string, Transform>;
  readonly #children = new Set<string>();

  /** @param kind `network:Network` becomes the type `iot:network:Network`. */
  constructor(kind: string, name: string, args: ComponentArgs, options: pulumi.ComponentResourceOptions) {
    super(`iot:${kind}`, name, {}, options);
    this.environment = args.environment;
    this.#name = name;
    this.#transforms = new Map(Object.entries(args.transforms ?? {}));
  }

  /**
   * Makes a child named `<component>-<child>`.
   * @throws Error when two children have one name.
   */
  protected make<A, R extends pulumi.Resource>(
    type: ResourceClass<A, R>,
    child: string,
    args: NoInfer<A>,
    options: ChildOptions = {},
  ): R {
    if (this.#children.has(child)) throw new Error(`${this.#name}: two children are named '${child}'`);
    this.#children.add(child);
    const { guarded, ...given } = options;
    const merged: pulumi.CustomResourceOptions = {
      parent: this,
      ...(guarded === true ? { protect: this.environment.tier.lifecycle.protect } : {}),
      ...given,
    };
    const transform = this.#transforms.get(child);
    const shaped = transform === undefined ? { args, options: merged } : transform(args, merged);
    return new type(`${this.#name}-${child}`, shaped.args, shaped.options);
  }

  /**
   * Ends the constructor: registers the outputs, and refuses transforms that named no child.
   * @throws Error naming the unknown child and those there are.
   */
  protected finish(outputs: pulumi.Inputs): void {
    const unknown = [...this.#transforms.keys()].filter((child) => !this.#children.has(child));
    if (unknown.length > 0)
      throw new Error(
        `${this.#name}: transforms name ${unknown.map((u) => `'${u}'`).join(', ')}; its children are ${[...this.#children].sort().join(', ')}`,
      );
    this.registerOutputs(outputs);
  }
}
