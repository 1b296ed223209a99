import { type Answer, all, answer, any, no, unknown, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, same } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { kindOf, podOf, sameNamespace, selects, workloadTypes } from './relations.ts';

/** A load balancer of a Service is external unless it says otherwise. https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters */
export function isExternal(service: Resource): Answer {
  const annotation = service.at('metadata.annotations').key('networking.gke.io/load-balancer-type');
  const old = service.at('metadata.annotations').key('cloud.google.com/load-balancer-type');
  return all([
    service.at('spec.type').is('LoadBalancer'),
    service.at('spec.loadBalancerClass').orElse('').isNot('networking.gke.io/l4-regional-internal'),
    annotation.orElse('External').isNot('Internal'),
    old.orElse('External').isNot('Internal'),
  ]);
}

/**
 * Devices come from the internet. Whatever a load balancer shows to it has to be TLS, and the pods behind it have to
 * hold a certificate: a port number alone encrypts nothing.
 */
const deviceServiceTlsOnly = stackPolicy({
  id: 'stack-device-service-tls-only',
  description:
    'A Service that the internet reaches shows TLS ports only, and each workload behind it mounts a certificate: no device ever speaks in the clear.',
  severity: 'critical',
  level: 'mandatory',
  remediation:
    'Remove the plain port from the Service (MQTT belongs on 8883), and mount a certificate into the workload: a Secret, a CSI or projected volume, or memory shared with a sidecar that keeps it.',
  url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer',
  references: { 'cis-gke': ['5.6.7'] },
  settings: {
    tlsPorts: { default: ['443', '5671', '8443', '8883'], description: 'Ports that speak TLS from the first byte' },
  },
  judge: (stack, { tlsPorts }) =>
    stack
      .ofType(kindOf('Service'))
      .filter((service) => service.at('spec.type').state !== 'absent')
      .map(
        (service): Finding => ({
          urn: service.urn,
          answer: when(isExternal(service), () =>
            all([
              service.at('spec.ports').every((port) =>
                all([
                  named(
                    port.at('port').test((number) => tlsPorts.includes(String(number))),
                    port.at('port').path,
                  ),
                  port.at('protocol').orElse('TCP').is('TCP'),
                ]),
              ),
              behind(stack, service),
            ]),
          ),
        }),
      ),
});

/** Every workload that the Service may reach holds a certificate; there is at least one. */
function behind(stack: Stack, service: Resource): Answer {
  const selector = service.at('spec.selector');
  const workloads = stack.ofType(...workloadTypes).map((workload) => ({
    workload,
    reached: all([selector.isFilled(), sameNamespace(service, workload), selects(selector, podOf(workload).labels)]),
  }));
  const reached = workloads.filter((each) => each.reached.is !== 'no');
  return all([
    named(any(workloads.map((each) => each.reached)), 'spec.selector reaches no workload of this stack'),
    ...reached.map((each) =>
      when(each.reached, () => named(holdsCertificate(each.workload), `${each.workload.name} mounts no certificate`)),
    ),
  ]);
}

function holdsCertificate(workload: Resource): Answer {
  const { spec } = podOf(workload);
  return spec.at('volumes').some((volume) =>
    any([
      ...['secret', 'csi'].map((kind) => volume.at(kind).exists()),
      // Not every projected volume: the token of an account is none.
      volume
        .at('projected.sources')
        .some((source) => any(['secret', 'podCertificate'].map((kind) => source.at(kind).exists()))),
      all([volume.at('emptyDir.medium').is('Memory'), shared(spec, volume.at('name'))]),
    ]),
  );
}

/** Two containers mount the volume: one keeps the certificate, one serves with it. */
function shared(spec: Reading, name: Reading): Answer {
  const containers = [...spec.at('containers').items(), ...spec.at('initContainers').items()];
  const mounting = containers.map((container) =>
    container.at('volumeMounts').some((mount) => same(mount.at('name'), name)),
  );
  if (mounting.filter(({ is }) => is === 'yes').length >= 2) return yes;
  return any([...mounting.filter(({ is }) => is === 'unknown'), no(spec.at('volumes').path)]);
}

/** A listener in the clear is of use only to send browsers to the other one. */
const plainListenerRedirects = stackPolicy({
  id: 'stack-plain-listener-redirects',
  description:
    'A listener of a Gateway that is not HTTPS or TLS only sends to HTTPS: each of its routes is a redirect and has no backend.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Give the listener protocol HTTPS, or attach by sectionName only an HTTPRoute whose rules have a RequestRedirect filter with scheme https and no backendRefs.',
  url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/secure-gateway',
  references: { 'cis-gke': ['5.6.7'] },
  judge: (stack) =>
    stack.ofType(kindOf('Gateway')).flatMap((gateway) =>
      gateway.at('spec.listeners').state === 'unknown'
        ? [{ urn: gateway.urn, answer: unknown('spec.listeners') }]
        : gateway
            .at('spec.listeners')
            .items()
            .map((listener): Finding => ({ urn: gateway.urn, answer: safe(stack, gateway, listener) })),
    ),
});

function safe(stack: Stack, gateway: Resource, listener: Reading): Answer {
  const encrypted = listener.at('protocol').is('HTTPS', 'TLS');
  if (encrypted.is !== 'no') return encrypted;
  const routes = stack
    .ofType(/^kubernetes:gateway\.networking\.k8s\.io\/[^:]+:\w+Route$/)
    .map((route) => ({ route, attached: attached(route, gateway, listener) }))
    .filter(({ attached: { is } }) => is !== 'no');
  if (routes.length === 0) return no(`${listener.at('protocol').path} is plain and no route redirects it`);
  return all(
    routes.map(({ route, attached: given }) =>
      when(given, () => named(redirects(route), `${route.name} serves in the clear`)),
    ),
  );
}

const attached = (route: Resource, gateway: Resource, listener: Reading): Answer =>
  route.at('spec.parentRefs').some((parent) =>
    all([
      same(parent.at('name'), gateway.at('metadata.name')),
      // Without a section it is attached to every listener.
      parent.at('sectionName').state === 'absent' ? yes : same(parent.at('sectionName'), listener.at('name')),
    ]),
  );

const redirects = (route: Resource): Answer =>
  route
    .at('spec.rules')
    .every((rule) =>
      all([
        answer(rule.at('backendRefs').items().length === 0, 'backendRefs'),
        rule
          .at('filters')
          .some((filter) =>
            all([filter.at('type').is('RequestRedirect'), filter.at('requestRedirect.scheme').is('https')]),
          ),
      ]),
    );

export const edgePolicies: readonly Policy[] = [deviceServiceTlsOnly, plainListenerRedirects];
