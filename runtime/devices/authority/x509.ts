// @peculiar/x509 finds its parts by decorators' metadata; tsyringe throws at import without this.
import 'reflect-metadata';

export * as x509 from '@peculiar/x509';
