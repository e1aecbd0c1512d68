using System.Diagnostics.Tracing;
using System.Globalization;
using System.Runtime.InteropServices;

// The runtime looks for exactly this name (DOTNET_STARTUP_HOOKS). It lives in this program, so nothing of it is in the
// server that is shipped.
#pragma warning disable CA1050

/// <summary>Tells how much a server under measurement has allocated (on SIGUSR1) or holds (on SIGUSR2), and of which types
/// it allocated since it was asked before (on SIGURG), in a file.</summary>
internal static class StartupHook
{
    public const string FileVariable = "LOAD_MEMORY_FILE";
    public const int Allocated = 10;
    public const int Held = 12;
    public const int Types = 23;

    /// <summary>Set where types are asked for: the runtime's samples of allocations cost a little.</summary>
    public const string TypesVariable = "LOAD_ALLOCATED_TYPES";

    private static readonly List<PosixSignalRegistration> signals = [];

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(FileVariable) is not { } file)
        {
            return;
        }

        On(Allocated, () => Text(GC.GetTotalAllocatedBytes(precise: true)));
        On(Held, () =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Text(GC.GetTotalMemory(forceFullCollection: true));
        });
        if (Environment.GetEnvironmentVariable(TypesVariable) is not null)
        {
            var samples = new AllocationSamples();
            On(Types, samples.Take);
        }

        static string Text(long bytes) => bytes.ToString(CultureInfo.InvariantCulture);

        void On(int signal, Func<string> answer) => signals.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
        {
            context.Cancel = true;
            File.WriteAllText(file + ".new", answer());
            File.Move(file + ".new", file, overwrite: true);
        }));
    }

    /// <summary>The runtime reports one allocation in about a hundred thousand bytes, at random (AllocationSampled).</summary>
    private sealed class AllocationSamples : EventListener
    {
        private const EventKeywords AllocationSampling = (EventKeywords)0x80000000000;

        private readonly Dictionary<string, int> types = [];

        /// <summary>A line a type, most first: samples, tab, name.</summary>
        public string Take()
        {
            lock (types)
            {
                var lines = types.OrderByDescending(type => type.Value).Select(type => $"{type.Value}\t{type.Key}\n");
                var text = string.Concat(lines);
                types.Clear();
                return text;
            }
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
            {
                EnableEvents(eventSource, EventLevel.Informational, AllocationSampling);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.PayloadNames?.IndexOf("TypeName") is >= 0 and var at && eventData.Payload![at] is string name)
            {
                lock (types)
                {
                    types[name] = types.GetValueOrDefault(name) + 1;
                }
            }
        }
    }
}
