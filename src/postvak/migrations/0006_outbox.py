"""Undo and sending later, what agents do in the outbox, and addresses to which mail comes back."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('postvak', '0005_automatic_mail'),
    ]

    operations = [
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=320, unique=True)),
                ('reason', models.CharField(choices=[('bounced', 'mail came back'), ('complained', 'complaint')], max_length=10)),
                ('since', models.DateTimeField()),
                ('said', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ['address'],
            },
        ),
        migrations.AddField(
            model_name='agent',
            name='undo_seconds',
            field=models.PositiveSmallIntegerField(default=10, validators=[django.core.validators.MaxValueValidator(60)], verbose_name='seconds for undoing'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='is_judged',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='deliveryevent',
            name='agent',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='message',
            name='taken_back_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='outgoingmail',
            name='before',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='outgoingmail',
            name='retried_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='outgoingmail',
            name='send_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='answer',
            field=models.CharField(blank=True, choices=[('', 'nothing on its way'), ('waiting', 'answer not out yet'), ('later', 'answer goes out later'), ('failed', 'answer not delivered'), ('in_doubt', 'answer perhaps not delivered')], default='', max_length=8),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['state', '-outgoing'], name='delivery_by_state'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_judged', False), ('state__in', ['failed', 'bounced', 'complained'])), fields=['id'], name='delivery_to_judge'),
        ),
        migrations.AddField(
            model_name='suppression',
            name='delivery',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='postvak.delivery'),
        ),
    ]
