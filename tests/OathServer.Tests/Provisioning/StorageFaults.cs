using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Storage;

namespace OathServer.Tests.Provisioning;

/// <summary>The storage as a process sees it that is killed around a commit: from the fault on nothing answers any more,
/// until <see cref="Restart"/>.</summary>
internal sealed class StorageFaults
{
    private int untilFault;
    private bool isStored;
    private bool isDown;
    private int untilRefusal;
    private bool isRefusalStored;

    public StorageFaults()
    {
        Commits = new CommitFaults(this);
        Commands = new CommandFaults(this);
    }

    public IInterceptor Commits { get; }

    public IInterceptor Commands { get; }

    /// <summary>Whether the armed fault came.</summary>
    public bool Came => isDown;

    /// <summary>Commits since the last restart.</summary>
    public int Committed { get; private set; }

    /// <summary>Fails at the <paramref name="n"/>-th commit from now: before it is stored, or after with the answer lost.</summary>
    public void Arm(int n, bool stored) => (untilFault, isStored) = (n, stored);

    public void Restart()
    {
        (untilFault, isDown, Committed) = (0, false, 0);
        (untilRefusal, RefusalCame, Validated) = (0, false, 0);
    }

    /// <summary>Commits of counters since the last restart.</summary>
    public int Validated { get; private set; }

    public bool RefusalCame { get; private set; }

    /// <summary>The <paramref name="n"/>-th commit of counters from now is refused, or stored and then said to be.</summary>
    public void ArmCounters(int n, bool stored) => (untilRefusal, isRefusalStored) = (n, stored);

    /// <summary>Puts the faults of counters before the server's own store.</summary>
    public void Wrap(IServiceCollection services)
    {
        var own = services.Last(s => s.ServiceType == typeof(ICounterStore)).ImplementationFactory!;
        services.AddSingleton<ICounterStore>(provider => new FaultyCounters((ICounterStore)own(provider), this));
    }

    private sealed class FaultyCounters(ICounterStore store, StorageFaults faults) : ICounterStore
    {
        public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
        {
            faults.Validated++;
            var comes = faults.untilRefusal > 0 && --faults.untilRefusal == 0;
            var written = comes && !faults.isRefusalStored ? 0 : store.Commit(batch, now);
            if (comes)
            {
                faults.RefusalCame = true;
                throw new LostStorageException();
            }

            return written;
        }

        public void Dispose() => store.Dispose();
    }

    private void Down()
    {
        isDown = true;
        throw new LostStorageException();
    }

    private sealed class LostStorageException() : DbException("The storage went away (a fault of this test).");

    private sealed class CommitFaults(StorageFaults faults) : DbTransactionInterceptor
    {
        public override ValueTask<InterceptionResult> TransactionCommittingAsync(
            DbTransaction transaction, TransactionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
        {
            faults.Committed++;
            if (faults.untilFault > 0 && --faults.untilFault == 0)
            {
                if (faults.isStored)
                {
                    transaction.Commit();
                }

                faults.Down();
            }

            return base.TransactionCommittingAsync(transaction, eventData, result, cancellationToken);
        }
    }

    private sealed class CommandFaults(StorageFaults faults) : DbCommandInterceptor
    {
        public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
        {
            if (faults.isDown)
            {
                faults.Down();
            }

            return base.NonQueryExecutingAsync(command, eventData, result, cancellationToken);
        }

        public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
        {
            if (faults.isDown)
            {
                faults.Down();
            }

            return base.ReaderExecutingAsync(command, eventData, result, cancellationToken);
        }
    }
}
