"""Filters, control headers, follow-up policies, and what tickets need for them: priorities as rows, types, tags, fields."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


def ship(apps, schema_editor):
    """The five priorities that tickets have already, and the one row of options."""
    priority = apps.get_model("postvak", "Priority")
    priority.objects.bulk_create(priority(level=level) for level in range(1, 6))
    apps.get_model("postvak", "Options").objects.create(pk=1)


class Migration(migrations.Migration):

    dependencies = [
        ('postvak', '0003_mailbox_validity'),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomField',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True, validators=[django.core.validators.RegexValidator('^[A-Za-z][A-Za-z0-9_]*$', 'Letters, digits and _ only; a letter first.')], verbose_name='key')),
                ('label', models.CharField(max_length=100, verbose_name='label')),
                ('kind', models.CharField(choices=[('text', 'text'), ('number', 'number'), ('date', 'date'), ('checkbox', 'yes or no'), ('choice', 'one of a list'), ('choices', 'several of a list')], default='text', max_length=10, verbose_name='kind')),
                ('options', models.TextField(blank=True, default='', verbose_name='options')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                ('is_valid', models.BooleanField(default=True, verbose_name='valid')),
            ],
            options={
                'ordering': ['position', 'label'],
            },
        ),
        migrations.CreateModel(
            name='GroupingExclusion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sender', models.CharField(max_length=320, unique=True, verbose_name='address or domain')),
                ('comment', models.CharField(blank=True, default='', max_length=500, verbose_name='comment')),
            ],
            options={
                'ordering': ['sender'],
            },
        ),
        migrations.CreateModel(
            name='Priority',
            fields=[
                ('level', models.PositiveSmallIntegerField(primary_key=True, serialize=False, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(9)], verbose_name='level')),
                ('name', models.CharField(blank=True, default='', max_length=100, verbose_name='name')),
                ('is_valid', models.BooleanField(default=True, verbose_name='valid')),
            ],
            options={
                'verbose_name_plural': 'priorities',
                'ordering': ['level'],
            },
        ),
        migrations.CreateModel(
            name='TicketType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('is_valid', models.BooleanField(default=True, verbose_name='valid')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='address',
            name='grouping_hours',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='group mails within hours'),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='agents_commands',
            field=models.BooleanField(default=False, verbose_name='agents may give commands by mail'),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='agents_forwards',
            field=models.BooleanField(default=True, verbose_name="mail forwarded by agents is the first sender's"),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='agents_mail',
            field=models.CharField(choices=[('customer', 'like mail from anybody'), ('note', 'kept as an internal note'), ('answer', 'sent on to the customer as an answer')], default='note', max_length=8, verbose_name='mail that agents write'),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='is_trusted',
            field=models.BooleanField(default=False, verbose_name='trusted'),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='receiving_host',
            field=models.CharField(blank=True, default='', max_length=253, verbose_name='checks are made by'),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='trusted_senders',
            field=models.TextField(blank=True, default='', verbose_name='trusted senders only'),
        ),
        migrations.AddField(
            model_name='message',
            name='author_kind',
            field=models.CharField(choices=[('customer', 'customer'), ('agent', 'agent'), ('system', 'system')], default='customer', max_length=8),
        ),
        migrations.AddField(
            model_name='message',
            name='is_internal',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='message',
            name='moved_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='postvak.ticket'),
        ),
        migrations.AddField(
            model_name='queue',
            name='follow_up',
            field=models.CharField(choices=[('reopen', 'reopens the ticket'), ('new_ticket', 'opens a new ticket that is linked'), ('reject', 'is kept there, the sender is told')], default='reopen', max_length=10, verbose_name='mail on closed tickets'),
        ),
        migrations.AddField(
            model_name='queue',
            name='follow_up_days',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='closed tickets end after days'),
        ),
        migrations.AddField(
            model_name='status',
            name='is_valid',
            field=models.BooleanField(default=True, verbose_name='valid'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='closed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='fields',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='ticket',
            name='followers',
            field=models.ManyToManyField(related_name='followed', to=settings.AUTH_USER_MODEL, verbose_name='followers'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='is_spam',
            field=models.BooleanField(default=False, verbose_name='spam'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='merged_into',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='postvak.ticket'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='organisation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='postvak.organisation', verbose_name='organisation'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='pending_until',
            field=models.DateTimeField(blank=True, null=True, verbose_name='pending until'),
        ),
        migrations.AlterField(
            model_name='status',
            name='position',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='position'),
        ),
        migrations.CreateModel(
            name='ExternalNumber',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('sender', models.CharField(max_length=500, verbose_name='sender matches')),
                ('number', models.CharField(max_length=500, verbose_name='number matches')),
                ('in_subject', models.BooleanField(default=True, verbose_name='look in the subject')),
                ('in_body', models.BooleanField(default=False, verbose_name='look in the text')),
                ('is_valid', models.BooleanField(default=True, verbose_name='valid')),
                ('field', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='postvak.customfield', verbose_name='custom field')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Filter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True, verbose_name='name')),
                ('is_valid', models.BooleanField(default=True, verbose_name='valid')),
                ('comment', models.TextField(blank=True, default='', verbose_name='comment')),
                ('is_everywhere', models.BooleanField(default=True, verbose_name='for mail of all mailboxes')),
                ('match', models.CharField(choices=[('all', 'all conditions'), ('any', 'any condition')], default='all', max_length=3, verbose_name='fires when')),
                ('conditions', models.JSONField(default=list)),
                ('actions', models.JSONField(default=list)),
                ('stops', models.BooleanField(default=False, verbose_name='stop after match')),
                ('changed_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('hits', models.PositiveBigIntegerField(default=0)),
                ('last_hit_at', models.DateTimeField(blank=True, null=True)),
                ('changed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('mailboxes', models.ManyToManyField(blank=True, related_name='filters', to='postvak.mailbox', verbose_name='only for mail of')),
            ],
        ),
        migrations.CreateModel(
            name='FilterVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('before', models.JSONField(blank=True, null=True)),
                ('after', models.JSONField(blank=True, null=True)),
                ('agent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('filter', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='versions', to='postvak.filter')),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Options',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('numbers', models.CharField(choices=[('date', 'date, counter and check digit'), ('counter', 'counter'), ('random', 'random')], default='date', max_length=8, verbose_name='ticket numbers')),
                ('hook', models.CharField(blank=True, default='#', max_length=20, verbose_name='mark before the number')),
                ('subject_place', models.CharField(choices=[('right', 'at the end'), ('left', 'at the beginning'), ('none', 'not at all')], default='right', max_length=5, verbose_name='number in the subject')),
                ('stranger', models.CharField(choices=[('new_ticket', 'open a new ticket that is linked'), ('hold', 'hold the mail for a person')], default='new_ticket', max_length=10, verbose_name='when a stranger names a ticket')),
                ('unmatched_report', models.CharField(choices=[('hold', 'hold the mail for a person'), ('new_ticket', 'open a ticket')], default='hold', max_length=10, verbose_name='delivery reports that fit no mail of ours')),
                ('number_in_body', models.BooleanField(default=False, verbose_name='look for the number in the text')),
                ('number_in_attachments', models.BooleanField(default=False, verbose_name='look for the number in attachments')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_row_of_options')],
            },
        ),
        migrations.RunPython(ship, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='ticket',
            name='priority',
            field=models.ForeignKey(db_column='priority', default=3, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='postvak.priority', verbose_name='priority'),
        ),
        migrations.CreateModel(
            name='ReferencedId',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(db_index=True, max_length=255)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='referenced', to='postvak.message')),
            ],
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('colour', models.CharField(choices=[('petrol', 'petrol'), ('ochre', 'ochre'), ('brick', 'brick'), ('moss', 'moss'), ('slate', 'slate'), ('plum', 'plum'), ('sea', 'sea'), ('stone', 'stone')], default='stone', max_length=10, verbose_name='colour')),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='tag_name_once')],
            },
        ),
        migrations.CreateModel(
            name='Tagging',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='taggings', to='postvak.tag')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='taggings', to='postvak.ticket')),
            ],
        ),
        migrations.AddField(
            model_name='ticket',
            name='tags',
            field=models.ManyToManyField(related_name='tickets', through='postvak.Tagging', to='postvak.tag', verbose_name='tags'),
        ),
        migrations.CreateModel(
            name='TicketLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('instead', 'opened instead of'), ('wanted', "named by a stranger's mail"), ('split', 'split off from'), ('merged', 'merged into'), ('related', 'related to')], default='related', max_length=8)),
                ('origin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='backlinks', to='postvak.ticket')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='postvak.ticket')),
            ],
        ),
        migrations.AddField(
            model_name='ticket',
            name='type',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='postvak.tickettype', verbose_name='type'),
        ),
        migrations.CreateModel(
            name='ExternalReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(max_length=200)),
                ('external', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='postvak.externalnumber')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='external_references', to='postvak.ticket')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('external', 'value', 'ticket'), name='external_reference_once')],
            },
        ),
        migrations.AddIndex(
            model_name='filter',
            index=models.Index(fields=['changed_at'], name='filter_by_change'),
        ),
        migrations.AddConstraint(
            model_name='tagging',
            constraint=models.UniqueConstraint(fields=('ticket', 'tag'), name='tag_once'),
        ),
        migrations.AddConstraint(
            model_name='ticketlink',
            constraint=models.UniqueConstraint(fields=('ticket', 'origin'), name='link_once'),
        ),
    ]
