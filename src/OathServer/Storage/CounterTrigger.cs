using Microsoft.EntityFrameworkCore;

namespace OathServer.Storage;

/// <summary>The second line of defence: whatever statement tries, the database refuses a counter that would fall within
/// one generation of the secret. Put in place at each start, so that a database restored without it gets it back.</summary>
internal static class CounterTrigger
{
    private const string Sqlite = """
        CREATE TRIGGER IF NOT EXISTS token_counters_never_fall BEFORE UPDATE ON token_counters
        WHEN NEW.counter < OLD.counter AND NEW.generation <= OLD.generation
        BEGIN SELECT RAISE(ABORT, 'a counter never falls'); END
        """;

    private const string PostgreSql = """
        CREATE OR REPLACE FUNCTION token_counters_never_fall() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.counter < OLD.counter AND NEW.generation <= OLD.generation THEN
            RAISE EXCEPTION 'a counter never falls';
          END IF;
          RETURN NEW;
        END $$;
        CREATE OR REPLACE TRIGGER token_counters_never_fall BEFORE UPDATE ON token_counters
        FOR EACH ROW WHEN (NEW.counter < OLD.counter) EXECUTE FUNCTION token_counters_never_fall();
        """;

    /// <summary>Room on each page for the next version of its rows, so that moving a counter touches no index
    /// (heap-only tuples); a row is moved far more often than read.</summary>
    private const string PostgreSqlRoom = """
        DO $$
        BEGIN
          IF NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = 'token_counters'::regclass AND 'fillfactor=50' = ANY (reloptions)) THEN
            ALTER TABLE token_counters SET (fillfactor = 50);
          END IF;
        END $$;
        """;

    public static Task EnsureAsync(OathDbContext db, CancellationToken cancel) =>
        db.Database.ExecuteSqlRawAsync(db.Database.IsNpgsql() ? PostgreSql + PostgreSqlRoom : Sqlite, cancel);
}
