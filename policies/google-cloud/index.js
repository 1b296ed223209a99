import './pack.ts';
