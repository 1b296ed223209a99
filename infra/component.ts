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
  /**
   * By the child's name inside the component, as the reference lists them: `{ vpc: (args, options) => … }`. A child of a
   * component inside this one goes by its whole resource name: `{ 'edge-https-firewall': … }`.
   */
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
  /** Whole names of all resources at any depth. */
  readonly #below = new Set<string>();
  readonly #above: Component | null;

  /** @param kind `network:Network` becomes the type `iot:network:Network`. */
  constructor(kind: string, name: string, args: ComponentArgs, options: pulumi.ComponentResourceOptions) {
    super(`iot:${kind}`, name, {}, options);
    this.environment = args.environment;
    this.#name = name;
    this.#transforms = new Map(Object.entries(args.transforms ?? {}));
    this.#above = options.parent instanceof Component ? options.parent : null;
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
    const name = `${this.#name}-${child}`;
    const reached = this.#reach(name);
    const transform = this.#transforms.get(child) ?? reached;
    const shaped = transform === undefined ? { args, options: merged } : transform(args, merged);
    return new type(name, shaped.args, shaped.options);
  }

  /** The transform that this component or the nearest one above it has for a resource by its whole name. */
  #reach(name: string): Transform | undefined {
    this.#below.add(name);
    const further = this.#above === null ? undefined : this.#above.#reach(name);
    return this.#transforms.get(name) ?? further;
  }

  /**
   * Ends the constructor: registers the outputs, and refuses transforms that named no child.
   * @throws Error naming the unknown child and those there are.
   */
  protected finish(outputs: pulumi.Inputs): void {
    const unknown = [...this.#transforms.keys()].filter(
      (child) => !this.#children.has(child) && !this.#below.has(child),
    );
    if (unknown.length > 0)
      throw new Error(
        `${this.#name}: transforms name ${unknown.map((u) => `'${u}'`).join(', ')}; its children are ${[...this.#children].sort().join(', ')}, and below them ${[...this.#below].sort().join(', ')}`,
      );
    this.registerOutputs(outputs);
  }
}
