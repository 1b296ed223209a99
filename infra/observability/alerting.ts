import { readFileSync } from 'node:fs';
import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type Alert, alertsOf, type Urgency } from './alerts.ts';

export type AlertingArgs = ComponentArgs;

const severities: Readonly<Record<Urgency, string>> = { call: 'CRITICAL', today: 'ERROR', week: 'WARNING' };

/** Every alert of `alerts.ts` as a policy, sent to the addresses of the settings, with its whole runbook in the message. */
export class Alerting extends Component {
  readonly channels: readonly gcp.monitoring.NotificationChannel[];

  constructor(name: string, args: AlertingArgs, options: pulumi.ComponentResourceOptions) {
    super('observability:Alerting', name, args, options);
    this.channels = args.environment.alertEmails.map((address) => this.#channel(address));
    for (const alert of alertsOf(args.environment)) this.#policy(alert);
    this.finish({ channels: this.channels.map((channel) => channel.name) });
  }

  #channel(address: string): gcp.monitoring.NotificationChannel {
    return this.make(gcp.monitoring.NotificationChannel, `email-${address}`, {
      type: 'email',
      displayName: `${this.environment.name}: ${address}`,
      labels: { email_address: address },
      userLabels: { ...this.environment.labels },
      // Alerts refer to it: without this a destroy in another order would be refused.
      forceDelete: this.environment.tier.lifecycle.forceDelete,
    });
  }

  #policy(alert: Alert): void {
    const { name, labels } = this.environment;
    this.make(gcp.monitoring.AlertPolicy, alert.id, {
      displayName: `${name}: ${alert.title}`,
      combiner: 'OR',
      severity: severities[alert.urgency],
      conditions: [
        {
          displayName: alert.title,
          conditionPrometheusQueryLanguage: {
            query: alert.query,
            duration: `${alert.forMinutes * 60}s`,
            evaluationInterval: '60s',
            // In an empty project no metric of ours exists before the first pod runs.
            disableMetricValidation: true,
          },
        },
      ],
      // An incident whose metric went away with its pod would stay open for seven days.
      alertStrategy: { autoClose: '3600s' },
      documentation: {
        subject: `${name}: ${alert.title}`,
        mimeType: 'text/markdown',
        content: documentationOf(alert),
      },
      notificationChannels: this.channels.map((channel) => channel.name),
      userLabels: { ...labels, urgency: alert.urgency },
    });
  }
}

const runbooks = new URL('../../docs/runbooks/', import.meta.url);

/** Google takes 8,192 characters of UTF-8 text: https://cloud.google.com/monitoring/alerts/doc-variables */
export const documentationLimit = 8_192;

/**
 * The runbook itself and not only a link: whoever is woken reads it in the e-mail, and a clone of this repository has no
 * address that everybody's mail client could open.
 * @throws Error when the runbook is missing or too long.
 */
export function documentationOf(alert: Alert): string {
  const path = `docs/runbooks/${alert.runbook}.md`;
  const text = `${alert.says}\n\n*Runbook: ${path}*\n\n${readFileSync(new URL(`${alert.runbook}.md`, runbooks), 'utf8').trim()}\n`;
  if (Buffer.byteLength(text) > documentationLimit)
    throw new Error(
      `alert ${alert.id}: its text with ${path} has ${Buffer.byteLength(text)} bytes, allowed are ${documentationLimit}; shorten the runbook`,
    );
  return text;
}
