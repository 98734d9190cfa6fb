"""Mails that the pipeline decides on are rows, written by a worker afterwards."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('postvak', '0004_rules'),
    ]

    operations = [
        migrations.CreateModel(
            name='AutomaticMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('rejection', 'rejection'), ('forward', 'forwarded mail'), ('relay', "agent's answer by mail")], max_length=16)),
                ('recipients', models.JSONField(default=list)),
                ('text', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('pending', 'to be written'), ('written', 'written'), ('skipped', 'not written')], default='pending', max_length=8)),
                ('reason', models.CharField(blank=True, default='', max_length=40)),
                ('parameters', models.JSONField(blank=True, default=dict)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
                ('next_attempt_at', models.DateTimeField()),
                ('claimed_by', models.CharField(blank=True, default='', max_length=64)),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('error', models.TextField(blank=True, default='')),
                ('agent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('message', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='automatic', to='postvak.message')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='automatic_mails', to='postvak.ticket')),
                ('trigger', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='caused', to='postvak.message')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['next_attempt_at'], name='automatic_mail_to_do'), models.Index(condition=models.Q(('state', 'written')), fields=['settled_at'], name='automatic_mail_written')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('message__isnull', False), ('state', 'written')), models.Q(models.Q(('state', 'written'), _negated=True), ('message__isnull', True)), _connector='OR'), name='written_means_one_message')],
            },
        ),
    ]
