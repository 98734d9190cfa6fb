"""From text to a label: which queue, which priority, spam or not. No Django, no database, no network; numpy only.

Who uses it needs these, and imports them only where mails are classified, as they load numpy:

* `text.Text`: subject, body (without quotations and signature), sender, recipient, signs;
* `model.Model`: `predict(text) -> Prediction(label, probability, words, familiarity, is_known, others)`,
  `acts(prediction, wished=0.95, fewest=30)`, `learn(text, label, source)`, `seed(label, text)`, `rename_label`, `remove_label`,
  `thresholds(wished)`; `model.Source` says who decided; `model.is_audited(key)` chooses the mails whose proposal nobody sees;
* `storing.save(model) -> bytes`, `storing.load(bytes) -> Model` (raises `BadModel`);
* `score.ScoreCard.of(model.gate.entries, model.thresholds())`;
* `spam.with_signs(text, headers)`, `spam.marks_spam(model, prediction)`;
* `measure.evaluate`, `measure.replay`: figures for a table of mails (`postvak classify`).

A model serves one thread at a time. To forget somebody's mails, make it anew from the others.
"""
