using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning;
using OathServer.Storage;
using OathServer.Tests.Databases;
using SecurityKeys.Cards;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>The workflow on PostgreSQL: cut there, and at two nodes at once.</summary>
[OnPostgreSql]
public class NodesProvisioningTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_cut_on_PostgreSQL_a_resumed_job_ends_right_and_nothing_on_the_key_is_unknown()
    {
        await using var walk = await CutPointWalk.StartAsync(CutPointCase.Parse(
            "puk=derived pin=unique-initial mgm=random oath=applet fido=not-used fw=5.4.3"));
        var cuts = 0;
        foreach (var kind in (FaultKind[])[FaultKind.PulledAfter, FaultKind.DiesBefore, FaultKind.DiesAfter, FaultKind.ValidationFails, FaultKind.ValidationLost])
        {
            for (var n = 1; await walk.RunAsync(new Fault(kind, n)); n++)
            {
                cuts++;
            }
        }

        output.WriteLine($"{cuts} cut points");
        Assert.True(cuts > 30, $"only {cuts} cut points were walked");
    }

    [Fact]
    public async Task A_key_is_provisioned_by_one_node_at_a_time_and_by_another_when_that_one_is_gone()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-nodes-").FullName;
        await using var one = await ServerUnderTest.StartAsync(folder: folder);
        await using var two = await ServerUnderTest.StartAsync(folder: folder);
        await one.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 78001 });
        using var gate = new GatedCard(key);
        one.Services.GetRequiredService<KeyReaders>().Plug("desk", KeyReaders.VirtualKind, gate.Connect);
        two.Services.GetRequiredService<KeyReaders>().Plug("desk", KeyReaders.VirtualKind, key.Connect);
        var (first, second) = (await one.Client(), await two.Client());
        var request = new { reader = "desk", serial = "A1", user = "alice" };

        var working = first.PostAsJsonAsync("/v1/provisioning", request, Cancel);
        await gate.Reached.WaitAsync(Cancel);
        using var again = await second.PostAsJsonAsync("/v1/provisioning", request, Cancel);
        var job = (await second.GetFromJsonAsync<JsonElement>("/v1/provisioning", Cancel)).EnumerateArray().Single().GetProperty("id").GetGuid();
        using var taken = await second.PostAsJsonAsync($"/v1/provisioning/{job}/resume", new { reader = "desk" }, Cancel);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, again.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, taken.StatusCode);

        // The first node says nothing for longer than a lease: the second goes on, and what the first does now is not stored.
        await two.WithDatabase(db => db.Jobs.ExecuteUpdateAsync(j => j.SetProperty(x => x.LeaseUntil, DateTimeOffset.UtcNow.AddMinutes(-1)), Cancel));
        using var resumed = await second.PostAsJsonAsync($"/v1/provisioning/{job}/resume", new { reader = "desk" }, Cancel);
        Assert.Equal("confirmed", (await resumed.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("state").GetString());
        gate.Open();
        using var overtaken = await working;
        Assert.True(overtaken.IsSuccessStatusCode, await overtaken.Content.ReadAsStringAsync(Cancel));
        var puk = await two.WithDatabase(async db => await two.Services.GetRequiredService<OathServer.Provisioning.Steps.KeySecrets>()
            .PukOfAsync(db, await db.Records.SingleAsync(Cancel), Cancel));
        Assert.Equal(puk, key.Peek().Piv.Puk);
        Assert.Equal(TokenState.Active, (await two.CounterAsync("A1")).State);
        await one.StopAsync();
        await two.StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Stops once the PUK is on the key, until it is told to go on; its line is dead then, as the key was reset by
    /// whoever connected meanwhile.</summary>
    private sealed class GatedCard(VirtualKey key) : IDisposable
    {
        private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim open = new();

        public Task Reached => reached.Task;

        public ISmartCardConnection Connect() => new Line(key.Connect(), this);

        public void Open() => open.Set();

        public void Dispose() => open.Dispose();

        private void Pass()
        {
            if (!open.IsSet && !key.Peek().Piv.Puk.AsSpan().SequenceEqual("12345678"u8))
            {
                reached.TrySetResult();
                open.Wait(Cancel);
                throw new CardRemovedException(key.Options.ReaderName);
            }
        }

        private sealed class Line(ISmartCardConnection card, GatedCard gate) : ISmartCardConnection
        {
            public string ReaderName => card.ReaderName;

            public ReadOnlyMemory<byte> AnswerToReset => card.AnswerToReset;

            public byte[] Transmit(ReadOnlySpan<byte> command)
            {
                var answer = card.Transmit(command);
                gate.Pass();
                return answer;
            }

            public IDisposable BeginTransaction() => card.BeginTransaction();

            public void Dispose() => card.Dispose();
        }
    }
}
