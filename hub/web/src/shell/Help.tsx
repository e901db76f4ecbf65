import { Modal } from '@mantine/core';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/Modal.css';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/Paper.css';
import '@mantine/core/styles/CloseButton.css';
import { type Key, t, useT } from '../i18n/i18n';

const SHEET: [string[], Key][] = [
  [['G S'], 'help.shelves'],
  [['G D'], 'help.docks'],
  [['G A'], 'help.alarms'],
  [['G R'], 'help.replenish'],
  [['/'], 'help.filter'],
  [['J', 'K', '↑', '↓'], 'help.rows'],
  [['Enter'], 'help.open'],
  [['Esc'], 'help.esc'],
  [['A'], 'help.act'],
  [['R'], 'help.reject'],
  [['T'], 'help.theme'],
  [['?'], 'help.this'],
];

export default function Help({ onClose }: { onClose: () => void }) {
  useT();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('top.help')}
      overlayProps={{ backgroundOpacity: 0.28, blur: 0 }}
      closeButtonProps={{ 'aria-label': t('close') }}
      transitionProps={{ duration: 0 }}
      size="md"
    >
      <dl className="sheet">
        {SHEET.map(([keys, key]) => (
          <div key={key}>
            <dt>
              {keys.map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{t(key)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
