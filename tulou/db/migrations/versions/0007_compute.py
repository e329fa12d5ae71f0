"""Runs, jobs and Spaces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(length=24), nullable=True))
        batch_op.create_index(batch_op.f("ix_token_parent_id"), ["parent_id"], unique=False)

    op.create_table('run',
    sa.Column('id', sa.String(length=24), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('account_id', sa.String(length=24), nullable=False),
    sa.Column('actor_id', sa.String(length=24), nullable=True),
    sa.Column('repo_id', sa.String(length=24), nullable=True),
    sa.Column('token_id', sa.String(length=24), nullable=True),
    sa.Column('order', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('memory_mb', sa.Integer(), nullable=False),
    sa.Column('want', sa.String(length=6), server_default='run', nullable=False),
    sa.Column('phase', sa.String(length=10), server_default='pending', nullable=False),
    sa.Column('exit_code', sa.Integer(), nullable=True),
    sa.Column('detail', sa.Text(), server_default='', nullable=False),
    sa.Column('attempt', sa.Integer(), server_default='1', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='1', nullable=False),
    sa.Column('node', sa.String(length=80), nullable=True),
    sa.Column('lease_until', sa.BigInteger(), nullable=True),
    sa.Column('usage', sa.Text(), server_default='{}', nullable=False),
    sa.Column('log_bytes', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=True),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_run_repo_id', 'run', ['repo_id'], unique=False)
    op.create_index('run_by_account', 'run', ['account_id', 'kind', 'id'], unique=False)
    op.create_index('run_live', 'run', ['phase'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('scheduled_job',
    sa.Column('id', sa.String(length=24), nullable=False),
    sa.Column('account_id', sa.String(length=24), nullable=False),
    sa.Column('created_by', sa.String(length=24), nullable=False),
    sa.Column('spec', sa.Text(), nullable=False),
    sa.Column('secret_names', sa.Text(), server_default='[]', nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('labels', sa.Text(), server_default='{}', nullable=False),
    sa.Column('schedule', sa.Text(), nullable=False),
    sa.Column('concurrency', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('suspended', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('last_job_id', sa.String(length=24), nullable=True),
    sa.Column('last_at', sa.BigInteger(), nullable=True),
    sa.Column('next_at', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_scheduled_job_account_id', 'scheduled_job', ['account_id'], unique=False)
    op.create_index('ix_scheduled_job_next_at', 'scheduled_job', ['next_at'], unique=False)
    op.create_table('job',
    sa.Column('id', sa.String(length=24), nullable=False),
    sa.Column('account_id', sa.String(length=24), nullable=False),
    sa.Column('created_by', sa.String(length=24), nullable=False),
    sa.Column('run_id', sa.String(length=24), nullable=False),
    sa.Column('scheduled_id', sa.String(length=24), nullable=True),
    sa.Column('spec', sa.Text(), nullable=False),
    sa.Column('secret_names', sa.Text(), server_default='[]', nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('labels', sa.Text(), server_default='{}', nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('saving', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('save_problem', sa.Text(), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_job_run_id', 'job', ['run_id'], unique=False)
    op.create_index('job_by_account', 'job', ['account_id', 'id'], unique=False)
    op.create_table('space',
    sa.Column('repo_id', sa.String(length=24), nullable=False),
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('stage', sa.String(length=24), nullable=False),
    sa.Column('message', sa.Text(), server_default='', nullable=False),
    sa.Column('want', sa.String(length=6), server_default='run', nullable=False),
    sa.Column('commit', sa.String(length=40), nullable=True),
    sa.Column('building', sa.Text(), server_default='{}', nullable=False),
    sa.Column('built', sa.Text(), server_default='{}', nullable=False),
    sa.Column('build_runs', sa.Text(), server_default='[]', nullable=False),
    sa.Column('run_id', sa.String(length=24), nullable=True),
    sa.Column('hardware', sa.String(length=40), nullable=False),
    sa.Column('sleep_seconds', sa.Integer(), nullable=True),
    sa.Column('storage_mb', sa.Integer(), server_default='0', nullable=False),
    sa.Column('volumes', sa.Text(), server_default='[]', nullable=False),
    sa.Column('visited_at', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['repo_id'], ['repo.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('repo_id'),
    sa.UniqueConstraint('slug')
    )
    op.create_table('space_setting',
    sa.Column('repo_id', sa.String(length=24), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('value', sa.Text(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('updated_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['repo_id'], ['repo.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('repo_id', 'name')
    )
