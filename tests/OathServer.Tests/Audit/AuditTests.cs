using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Tests.Audit;

public class AuditTests
{
    [Fact]
    public async Task An_untouched_trail_verifies()
    {
        await using var server = await WithTrailAsync();

        Assert.Null(await VerifyAsync(server));
        Assert.Equal(20, await server.WithDatabase(db => db.Audit.CountAsync(Cancel)));
    }

    [Theory]
    [InlineData("UPDATE audit SET \"Actor\" = 'mallory' WHERE \"Sequence\" = 7", "entry 7")]
    [InlineData("UPDATE audit SET \"Detail\" = '' WHERE \"Sequence\" = 7", "entry 7")]
    [InlineData("UPDATE audit SET \"At\" = \"At\" + 1 WHERE \"Sequence\" = 1", "entry 1")]
    [InlineData("UPDATE audit SET \"Serial\" = \"UserName\", \"UserName\" = NULL WHERE \"Sequence\" = 3", "entry 3")]
    [InlineData("DELETE FROM audit WHERE \"Sequence\" = 7", "entry 7 is missing")]
    [InlineData("DELETE FROM audit WHERE \"Sequence\" = 1", "entry 1 is missing")]
    [InlineData("UPDATE audit SET \"Sequence\" = CASE \"Sequence\" WHEN 4 THEN 104 ELSE 4 END WHERE \"Sequence\" IN (4, 5)", "entry 4")]
    public async Task An_edit_a_deletion_or_a_reorder_is_found_where_it_was_made(string sql, string where)
    {
        await using var server = await WithTrailAsync();
        await server.WithDatabase(db => db.Database.ExecuteSqlRawAsync(sql, Cancel));

        Assert.Contains(where, await VerifyAsync(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_act_and_its_entry_are_there_together_or_not_at_all()
    {
        await using var server = await WithTrailAsync();
        var trail = server.Services.GetRequiredService<AuditTrail>();

        await Assert.ThrowsAnyAsync<Exception>(() => server.WithDatabase(async db =>
        {
            db.People.Add(new Person { Realm = "r", Name = "x", NormalizedName = "X" });
            db.People.Add(new Person { Realm = "r", Name = "x", NormalizedName = "X" });
            await trail.SaveAsync(db, Cancel, new AuditEvent("tester", "person.add", "done"));
            return 0;
        }));

        Assert.Equal(20, await server.WithDatabase(db => db.Audit.CountAsync(Cancel)));
        Assert.Equal(0, await server.WithDatabase(db => db.People.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Parallel_acts_leave_one_gapless_chain()
    {
        await using var server = await WithTrailAsync();
        var trail = server.Services.GetRequiredService<AuditTrail>();

        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => server.WithDatabase(async db =>
        {
            await trail.SaveAsync(db, Cancel, new AuditEvent($"desk {i}", "token.unlock", "done"));
            return 0;
        })));

        Assert.Null(await VerifyAsync(server));
        Assert.Equal(60, await server.WithDatabase(db => db.Audit.MaxAsync(e => e.Sequence, Cancel)));
    }

    private static async Task<ServerUnderTest> WithTrailAsync()
    {
        var server = await ServerUnderTest.StartAsync();
        var trail = server.Services.GetRequiredService<AuditTrail>();
        for (var i = 0; i < 10; i++)
        {
            await server.WithDatabase(async db =>
            {
                await trail.SaveAsync(db, Cancel,
                    new AuditEvent("desk", "puk.reveal", "done") { Cuid = "C1", Detail = "lost PIN", UserName = "alice" },
                    new AuditEvent("desk", "token.unlock", "done") { UserName = "alice" });
                return 0;
            });
        }

        return server;
    }

    private static Task<string?> VerifyAsync(ServerUnderTest server) =>
        server.WithDatabase(db => server.Services.GetRequiredService<AuditTrail>().VerifyAsync(db, Cancel));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
