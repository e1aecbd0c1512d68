using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace OathServer.Storage;

/// <summary>Puts a <see cref="CommitWatch"/> on every transaction of the model.</summary>
internal sealed class PostgreSqlCommitGuard : DbTransactionInterceptor
{
    private readonly ConditionalWeakTable<DbConnection, CommitWatch> watches = [];

    public override InterceptionResult TransactionCommitting(
        DbTransaction transaction, TransactionEventData eventData, InterceptionResult result)
    {
        Begin(transaction);
        return result;
    }

    public override ValueTask<InterceptionResult> TransactionCommittingAsync(
        DbTransaction transaction, TransactionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        Begin(transaction);
        return ValueTask.FromResult(result);
    }

    public override void TransactionCommitted(DbTransaction transaction, TransactionEndEventData eventData) => End(eventData.Context);

    public override Task TransactionCommittedAsync(
        DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        End(eventData.Context);
        return Task.CompletedTask;
    }

    private void Begin(DbTransaction transaction)
    {
        if (transaction.Connection is NpgsqlConnection connection)
        {
            watches.GetValue(connection, _ => new CommitWatch(connection)).Begin();
        }
    }

    private void End(DbContext? context)
    {
        if (context is not null && watches.TryGetValue(context.Database.GetDbConnection(), out var watch))
        {
            watch.ThrowIfWarned();
        }
    }
}
